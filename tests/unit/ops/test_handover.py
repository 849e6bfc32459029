"""What an update does with what it has replaced: told at once to take nothing new, waited for, and cut at the end."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from ops import handover
from ops.engine import Container
from rules.docker import EngineError

TABLE = """  sl  local_address rem_address   st
   0: 0200DB0A:{port} 0300DB0A:9C40 01 rest
   1: 0200DB0A:{port} 0300DB0A:9C41 06 rest
   2: 0200DB0A:9999 0300DB0A:9C42 01 rest
   3: 0200DB0A:{port} cut
"""


def container(identifier: str, role: str, **changes: Any) -> Container:
    made = Container(identifier, f"{role}-{identifier}", role, "running", True, frozenset({"net"}))
    return replace(made, stop_signal="SIGUSR1" if role == "gateway" else "SIGTERM", **changes)


@dataclass
class FakeEngine:
    """Containers that end ``lasting`` looks after they were told to."""

    there: list[Container]
    lasting: int = 0
    published: set[str] = field(default_factory=set)
    did: list[tuple[str, ...]] = field(default_factory=list)

    def containers(self, label: str, role: str | None = None) -> list[Container]:
        assert label == "litellm-claude-x"
        signalled = {did[-1] for did in self.did if did[0] == "kill"}
        if signalled:
            self.lasting -= 1
        if signalled and self.lasting < 0:
            return [found for found in self.there if found.id not in signalled]
        return self.there

    def run(self, *arguments: str, check: bool = True) -> Any:
        assert check != (arguments[0] in ("exec", "kill")), "what ends by itself meanwhile is no failure"
        if arguments[0] == "exec":
            port = f"{8443:04X}" if "gateway" in arguments[1] else f"{4000:04X}"
            return type("Done", (), {"stdout": TABLE.format(port=port)})
        self.did.append(arguments)
        return None

    def kill(self, identifier: str) -> None:
        self.did.append(("SIGKILL", identifier))

    def publishes(self, identifier: str) -> bool:
        return identifier in self.published


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A second passes with each look."""
    now = [0.0]

    def sleep(_: float) -> None:
        now[0] += 1

    monkeypatch.setattr("ops.handover.time.sleep", sleep)
    monkeypatch.setattr("ops.handover.time.monotonic", lambda: now[0])
    return now


def drained(engine: Any, seconds: int = 20) -> list[str]:
    said: list[str] = []
    handover.drain(engine, "litellm-claude-x", {"new-gateway", "new-litellm"}, seconds, said.append)
    return said


NEW = [container("new-gateway", "gateway"), container("new-litellm", "litellm")]
OLD = [container("old-gateway", "gateway"), container("old-litellm", "litellm")]


def test_all_that_was_replaced_is_told_at_once_with_its_own_signal() -> None:
    engine = FakeEngine([*NEW, *OLD])
    assert drained(engine) == []
    assert engine.did == [
        ("kill", "--signal", "SIGUSR1", "old-gateway"),
        ("kill", "--signal", "SIGTERM", "old-litellm"),
    ]


def test_it_says_what_it_waits_for_and_for_how_long_at_most() -> None:
    engine = FakeEngine([*NEW, *OLD], lasting=10)
    (said,) = drained(engine)
    assert "connections of gateway-old-gateway (1) and connections of litellm-old-litellm (1) to end" in said
    assert "for 24 s at most (drainSeconds is 20)" in said


def test_what_does_not_end_is_cut_when_the_time_is_up() -> None:
    engine = FakeEngine([*NEW, *OLD], lasting=1000)
    said = drained(engine)
    assert "had 20 s (drainSeconds)" in said[-1]
    assert engine.did[-2:] == [("SIGKILL", "old-gateway"), ("SIGKILL", "old-litellm")]


def test_it_speaks_after_the_notice_and_four_times_a_minute_and_cuts_in_time(clock: list[float]) -> None:
    """3 s of notice, in which most end by themselves; then drainSeconds and the 5 s that an engine needs to kill."""
    spoken: list[float] = []
    engine: Any = FakeEngine([*NEW, *OLD], lasting=1000)
    handover.drain(engine, "litellm-claude-x", {"new-gateway", "new-litellm"}, 20, lambda _: spoken.append(clock[0]))
    assert spoken == [4, 19, 3 + 20 + 5]


@pytest.mark.parametrize(
    "other",
    [
        container("other", "litellm", networks=frozenset({"another copy's"})),
        container("other", "egress"),
        container("other", "front"),
        container("other", "gateway", status="exited"),
    ],
)
def test_nothing_else_is_touched(other: Container) -> None:
    engine = FakeEngine([*NEW, other])
    assert drained(engine) == []
    assert engine.did == []


def test_an_engine_that_does_not_answer_stops_no_update(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine([])

    def fail(*_: Any) -> None:
        raise EngineError("docker ps did not finish in 60 s")

    monkeypatch.setattr(engine, "containers", fail)
    (said,) = drained(engine)
    assert "did not finish" in said


def test_a_gateway_of_before_leaves_its_port_to_the_front_and_others_keep_theirs() -> None:
    engine: Any = FakeEngine([*NEW, *OLD, container("front", "front")], published={"old-gateway", "front"})
    handover.make_room(engine, "litellm-claude-x")
    assert engine.did == [("stop", "--time", "1", "old-gateway")]


async def test_the_hooks_ask_the_stacks_own_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[Any, ...]] = []
    monkeypatch.setattr(handover, "make_room", lambda engine, label: done.append((engine.host, label)))
    monkeypatch.setattr(handover, "drain", lambda engine, *given: done.append((engine.host, *given[:3])))
    settings: Any = SimpleNamespace(docker_host="ssh://far", docker_cert_path=None, drain_seconds=600)

    await handover.room_maker("stack", settings)(None)  # type: ignore[arg-type]
    ids = {"gateway": pulumi.Output.from_input("a"), "litellm": pulumi.Output.from_input("b")}
    await handover.drainer("stack", settings, ids)(None)  # type: ignore[arg-type]
    assert done == [("ssh://far", "stack"), ("ssh://far", "stack", ["a", "b"], 600)]
