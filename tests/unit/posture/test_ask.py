"""The last act of an update: the gateway is asked as a client asks it."""

from typing import Any

import pytest

from posture.ask import fault, hangs
from posture.edge import Answer, Edge
from posture.engine import Engine
from tests.unit.posture.conftest import KEY, Make
from tests.unit.posture.test_edge import Local


@pytest.mark.parametrize(
    ("answer", "expected", "wrong"),
    [
        (Answer(200), True, False),
        (Answer(401), True, True),
        (Answer(503), False, True),
        (Answer(0, error="no answer"), True, True),
        (Answer(0, error="no answer"), False, False),
    ],
)
def test_the_last_act_of_an_update_is_a_clients_question(
    make: Make, monkeypatch: pytest.MonkeyPatch, answer: Answer, expected: bool, wrong: bool
) -> None:
    edge = Edge(make().declaration, Engine("unix:///var/run/docker.sock"))
    edge.expected = expected
    monkeypatch.setattr(edge, "wait", lambda *_: None)
    monkeypatch.setattr(edge, "get", lambda path, key: answer if (path, key) == ("/v1/models", KEY) else Answer(404))
    found = fault(edge, KEY, "prod")
    assert (found is not None) is wrong
    assert KEY not in (found or "")
    assert ("docker restart " in (found or "")) is wrong


def test_one_that_hangs_is_not_waited_for_like_one_that_starts(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look alike from here; the engine's own tries tell, after half a minute."""
    edge = Edge(make().declaration, Engine("unix:///var/run/docker.sock"))
    monkeypatch.setattr(edge, "get", lambda path, key="": Answer(503))
    monkeypatch.setattr("rules.waiting.POLL_SECONDS", 0)
    asked = iter([False, True])
    assert "answers the master key with 503" in (fault(edge, KEY, "prod", lambda: next(asked)) or "")
    assert next(asked, None) is None


@pytest.mark.parametrize(("health", "hung"), [("unhealthy", True), ("starting", False), ("healthy", False)])
def test_a_container_hangs_when_the_engine_says_so(make: Make, health: str, hung: bool) -> None:
    engine: Any = Local()
    engine.inspect = lambda kind, names: [{"State": {"Health": {"Status": health}}}, {"State": {}}]
    assert hangs(make().declaration, engine) is hung
