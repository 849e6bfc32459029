"""The gateway's port during an update, when the container that is being replaced answers there too."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from posture.edge import REPLACEMENT_TRIES, Answer, Edge
from tests.unit.posture.conftest import KEY, Make


class Local:
    """An engine on this machine."""

    local = True


@pytest.fixture
def ask(make: Make, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Answer, int]]:
    """Asks with the declared key, which is answered as given; returns the verdict's answer and the number of tries."""

    def asked(statuses: list[int], *, complete: bool) -> tuple[Answer, int]:
        tries: list[int] = []
        engine: Any = Local()
        edge = Edge(replace(make().declaration, complete=complete), engine)

        def get(path: str, *, key: str | None = None, **_: Any) -> Answer:
            if path != "/v1/models" or key != KEY:
                return Answer(401)
            tries.append(statuses[len(tries) % len(statuses)])
            return Answer(tries[-1])

        monkeypatch.setattr(edge, "get", get)
        return edge.ask(KEY)["current"], len(tries)

    return asked


def test_the_replaced_container_may_refuse_the_new_key_while_the_new_one_accepts_it(
    ask: Callable[..., tuple[Answer, int]],
) -> None:
    answer, tries = ask([401, 200], complete=False)
    assert (answer.status, tries) == (200, 2)


def test_a_key_that_nobody_accepts_fails(ask: Callable[..., tuple[Answer, int]]) -> None:
    answer, tries = ask([401], complete=False)
    assert (answer.status, tries) == (401, REPLACEMENT_TRIES)


def test_outside_an_update_one_refusal_is_a_failure(ask: Callable[..., tuple[Answer, int]]) -> None:
    answer, tries = ask([401, 200], complete=True)
    assert (answer.status, tries) == (401, 1)


@pytest.mark.parametrize("status", [200, 403, 503])
def test_only_a_refused_key_is_asked_again(ask: Callable[..., tuple[Answer, int]], status: int) -> None:
    answer, tries = ask([status], complete=False)
    assert (answer.status, tries) == (status, 1)
