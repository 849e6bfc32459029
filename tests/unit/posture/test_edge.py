"""The gateway's port during an update, when the container that is being replaced answers there too."""

import itertools
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from posture.edge import REPLACEMENT_TRIES, Answer, Edge
from posture.engine import Engine
from rules.keys import DEVELOPMENT_KEY
from tests.unit.posture.conftest import KEY, Make
from tests.unit.posture.test_checks import status
from tests.unit.posture.test_judgements import ANSWERS


class Local:
    """An engine on this machine."""

    local = True


@pytest.fixture
def ask(make: Make, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Answer, int]]:
    """Asks with the declared key, which is answered as given; returns the verdict's answer and the number of tries."""

    def asked(statuses: list[int], *, complete: bool, **settings: Any) -> tuple[Answer, int]:
        tries: list[int] = []
        engine: Any = Local()
        edge = Edge(replace(make(settings=settings).declaration, complete=complete), engine)

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


def test_the_wrong_one_of_two_that_take_turns_answers_all_tries_once_in_256(
    ask: Callable[..., tuple[Answer, int]],
) -> None:
    _, tries = ask([401], complete=False)
    assert 2**tries == 256


def test_no_more_keys_are_tried_than_the_gateway_takes_before_it_turns_a_source_away(
    ask: Callable[..., tuple[Answer, int]],
) -> None:
    assert ask([401], complete=False, failedAuthPerMinute=3)[1] == 3


def test_outside_an_update_one_refusal_is_a_failure(ask: Callable[..., tuple[Answer, int]]) -> None:
    answer, tries = ask([401, 200], complete=True)
    assert (answer.status, tries) == (401, 1)


def an_earlier_path(path: str, _key: str | None) -> bool:
    return path == "/ui/"


def the_development_key(_path: str, key: str | None) -> bool:
    return key == DEVELOPMENT_KEY


@pytest.mark.parametrize(
    ("asked", "name", "refused"), [(an_earlier_path, "/ui/", 404), (the_development_key, "development", 401)]
)
@pytest.mark.parametrize("complete", [False, True])
def test_what_ends_in_an_update_is_asked_of_the_new_one(
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[str, str | None], bool],
    name: str,
    refused: int,
    complete: bool,
) -> None:
    engine: Any = Local()
    edge = Edge(replace(make().declaration, complete=complete), engine)
    turns = itertools.cycle([200, refused])
    monkeypatch.setattr(edge, "get", lambda path, key=None, **_: Answer(next(turns) if asked(path, key) else 401))
    assert edge.ask(KEY)[name].status == (200 if complete else refused)


@pytest.mark.parametrize("status", [200, 403, 503])
def test_only_a_refused_key_is_asked_again(ask: Callable[..., tuple[Answer, int]], status: int) -> None:
    answer, tries = ask([status], complete=False)
    assert (answer.status, tries) == (status, 1)


@pytest.mark.parametrize(
    ("host", "bind", "asked"),
    [
        ("ssh://ops@gateway.example.org", "127.0.0.1", None),
        ("ssh://ops@gateway.example.org", "::1", None),
        ("ssh://ops@gateway.example.org", "0.0.0.0", "gateway.example.org"),
        ("ssh://ops@gateway.example.org", "10.1.2.3", "10.1.2.3"),
        ("", "127.0.0.1", "127.0.0.1"),
        ("", "0.0.0.0", "127.0.0.1"),
    ],
)
def test_the_key_goes_to_nobody_but_the_gateway(make: Make, host: str, bind: str, asked: str | None) -> None:
    settings = {"bindAddresses": [bind], "masterKey": KEY}
    edge = Edge(make(settings=settings).declaration, Engine(host or "unix:///var/run/docker.sock"))
    assert edge.address == asked


def test_a_gateway_on_another_machines_loopback_is_not_looked_for_on_this_one(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("the key would go to a stranger"))
    edge = Edge(make().declaration, Engine("ssh://ops@gateway.example.org"))
    assert "another machine" in str(edge.get("/v1/models", key=KEY))


STRANGER = Answer(0, error="the certificate is not the declared one (self-signed certificate)")
REFUSED = Answer(0, error="no answer (ConnectionResetError)")


def answered(
    make: Make, monkeypatch: pytest.MonkeyPatch, answers: list[Answer], *, complete: bool, allow_host: bool = True
) -> Edge:
    """A gateway whose answers come in turns, as those of an old and a new one do."""
    engine: Any = Local()
    declaration = make(settings={"allowHost": allow_host}).declaration
    edge = Edge(replace(declaration, complete=complete), engine)
    turns = itertools.cycle(answers)
    monkeypatch.setattr(edge, "_get", lambda *_: next(turns))
    return edge


@pytest.mark.parametrize("other", [STRANGER, REFUSED])
def test_inside_an_update_the_replaced_gateway_may_have_another_certificate_or_list(
    make: Make, monkeypatch: pytest.MonkeyPatch, other: Answer
) -> None:
    assert answered(make, monkeypatch, [other, Answer(200)], complete=False).get("/healthz").status == 200
    assert answered(make, monkeypatch, [other], complete=False).get("/healthz").error == other.error
    assert answered(make, monkeypatch, [other, Answer(200)], complete=True).get("/healthz").error == other.error


def test_a_refusal_is_asked_again_only_where_an_answer_must_come(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = [REFUSED, Answer(200)]
    assert not answered(make, monkeypatch, turns, complete=False, allow_host=False).get("/healthz").status
    assert not answered(make, monkeypatch, turns, complete=False).get("/healthz", encrypted=False).status
    assert answered(make, monkeypatch, [Answer(503), Answer(200)], complete=False).get("/healthz").status == 503


def test_inside_an_update_the_replaced_gateway_may_still_answer_a_machine_that_the_new_one_refuses(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def health(answers: list[Answer], *, complete: bool) -> int:
        edge = answered(make, monkeypatch, answers, complete=complete, allow_host=False)
        return edge.ask(KEY)["health"].status

    assert health([Answer(200), REFUSED], complete=False) == 0
    assert health([Answer(200)], complete=False) == 200
    assert health([Answer(200), REFUSED], complete=True) == 200


@pytest.mark.parametrize(
    ("first", "expected", "asked"),
    [(REFUSED, True, 2), (REFUSED, False, 1), (STRANGER, True, 1), (Answer(503), True, 2), (Answer(503), False, 2)],
)
def test_after_a_power_cut_the_gateway_behind_the_front_is_waited_for(
    make: Make, monkeypatch: pytest.MonkeyPatch, first: Answer, expected: bool, asked: int
) -> None:
    edge = Edge(make().declaration, Engine("unix:///var/run/docker.sock"))
    edge.expected = expected
    answers, waits = iter([first, Answer(200)]), itertools.count(1)
    monkeypatch.setattr(edge, "get", lambda _path: (next(waits), next(answers))[1])
    monkeypatch.setattr("rules.waiting.POLL_SECONDS", 0)
    edge.wait(5)
    assert next(waits) - 1 == asked


@pytest.mark.parametrize("answers", [True, False])
def test_a_request_that_is_dropped_is_told_from_a_port_that_nobody_serves(make: Make, answers: bool) -> None:
    engine: Any = Local()
    with socket.create_server(("127.0.0.1", 0)) as door:
        edge = Edge(make(settings={"environment": "development", "tls": "off"}).declaration, engine)
        edge.address, edge.port, edge.encrypted = "127.0.0.1", door.getsockname()[1], False

        def drop() -> None:
            connection, _ = door.accept()
            with connection:
                connection.recv(1024)

        taker = threading.Thread(target=drop, daemon=True)
        if answers:
            taker.start()
        else:
            door.close()
        answer = edge.get("/v1/models")
    assert (answer.status, answer.dropped) == (0, answers)


@pytest.mark.parametrize(
    ("id_", "name", "good"),
    [
        ("access.no-key", "none", True),
        ("access.malformed-key", "malformed", True),
        ("access.key-works", "current", False),
        ("access.model-api-only", "/metrics", False),
    ],
)
def test_a_request_without_a_key_may_be_dropped(make: Make, id_: str, name: str, good: bool) -> None:
    """Somebody floods the gateway from this machine's address: that must not keep an update from passing."""
    dropped = Answer(0, error="no answer (RemoteDisconnected)", dropped=True)
    assert status(make(edge={**ANSWERS, name: dropped}), id_) == ("pass" if good else "fail")
    if good:
        assert status(make(edge={**ANSWERS, name: Answer(0, error="no answer (TimeoutError)")}), id_) == "fail"
