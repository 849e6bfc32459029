"""The end of an update of a Swarm: waited for on all nodes, and an error when a service went back."""

from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest

from ops import convergence
from ops.commands import OperationError
from ops.convergence import converge
from rules.docker import EngineError

NEW, OLD = {"ContainerSpec": {"Image": "new"}}, {"ContainerSpec": {"Image": "old"}}
FORCED = {**NEW, "ForceUpdate": 1}


@dataclass
class FakeSwarm:
    """A service whose answers follow one after the other; the last one stays."""

    status: list[str | None] = field(default_factory=lambda: [None])
    running: list[str] = field(default_factory=lambda: ["2/2"])
    specs: list[list[dict[str, Any]]] = field(default_factory=lambda: [[NEW, NEW]])
    looks: int = 0
    error: str = ""
    typed: str = "docker"

    def _now(self, answers: list[Any]) -> Any:
        return answers[min(self.looks - 1, len(answers) - 1)]

    def inspect(self, kind: str, names: Any) -> list[dict[str, Any]]:
        assert kind == "service"
        self.looks += 1
        state = self._now(self.status)
        if state == "gone":
            return []
        update = {"UpdateStatus": {"State": state}} if state else {}
        return [{"ID": names[0], "Spec": {"Name": "gw", "TaskTemplate": {**NEW, "Networks": ["n"]}}, **update}]

    def run(self, *arguments: str, check: bool = True) -> Any:
        assert check == (arguments[1] == "ls"), "a sentence about a failure is said with what the engine still tells"
        if arguments[1] == "ls":
            text = self._now(self.running)
        else:
            text = "litellm-claude-prod-gw-1a2b3c4" if arguments[1] == "inspect" else f"\n{self.error}\n"
        return type("Done", (), {"stdout": text})

    def tasks(self, services: list[str]) -> list[dict[str, Any]]:
        assert services == ["id-of-gw"]
        there = int(self._now(self.running).partition("/")[0] or 0)
        return [
            {"Spec": spec, "DesiredState": "running", "Status": {"State": "running" if number < there else "starting"}}
            for number, spec in enumerate(self._now(self.specs))
        ] + [{"Spec": OLD, "DesiredState": "shutdown", "Status": {"State": "running"}}]  # one of before, on its way out


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes with each look."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr("ops.convergence.time.sleep", sleep)
    monkeypatch.setattr("ops.convergence.time.monotonic", lambda: now[0])


def wait(swarm: FakeSwarm, seconds: float = 30) -> int:
    converge(swarm, ["id-of-gw"], seconds, "litellm-claude-prod")  # type: ignore[arg-type]
    return swarm.looks


def test_what_runs_as_declared_is_waited_for_no_longer() -> None:
    assert wait(FakeSwarm()) == 1


@pytest.mark.parametrize(
    "swarm",
    [
        FakeSwarm(status=["updating", "updating", "completed"]),
        FakeSwarm(running=["0/2", "1/2", "2/2"]),
        FakeSwarm(running=["", "", "2/2 (max 1 per node)"]),
        FakeSwarm(specs=[[OLD, OLD], [NEW, OLD], [NEW, NEW]]),
        FakeSwarm(specs=[[OLD], [OLD], []], running=["0/0"]),
        FakeSwarm(specs=[[FORCED, FORCED], [FORCED, NEW], [NEW, NEW]]),
    ],
    ids=["updating", "starting", "unknown", "nothing said yet", "none left", "forced"],
)
def test_what_is_under_way_is_waited_for(swarm: FakeSwarm) -> None:
    assert wait(swarm) == 3


def test_a_lost_node_whose_task_still_counts_as_running_keeps_no_update_waiting() -> None:
    assert wait(FakeSwarm(running=["3/2"])) == 1


@pytest.mark.parametrize("state", ["rollback_started", "rollback_completed", "rollback_paused", "paused"])
def test_a_service_that_went_back_fails_the_update_with_what_its_tasks_say(state: str) -> None:
    swarm = FakeSwarm(status=["updating", state], error="task: non-zero exit (64)")
    with pytest.raises(RuntimeError) as raised:
        wait(swarm)
    assert str(raised.value) == (
        "the service litellm-claude-prod-gw-1a2b3c4 did not start as declared, and went back; its tasks say: "
        "task: non-zero exit (64). See: docker service logs litellm-claude-prod-gw-1a2b3c4"
    )


def test_one_that_does_not_come_fails_the_update_in_time() -> None:
    with pytest.raises(RuntimeError, match=r"does not run as declared after 30 s; its tasks say: no suitable node"):
        wait(FakeSwarm(running=["0/2"], error="no suitable node"))


def test_one_that_is_gone_is_no_success() -> None:
    with pytest.raises(RuntimeError, match="the service id-of-gw is gone"):
        wait(FakeSwarm(status=["gone"]))


@pytest.mark.parametrize(
    ("asked", "error"), [("inspect", EngineError), ("tasks", EngineError), ("run", OperationError)]
)
def test_an_engine_that_does_not_answer_fails_the_update(
    monkeypatch: pytest.MonkeyPatch, asked: str, error: type[Exception]
) -> None:
    swarm = FakeSwarm()

    def silent(*_: Any, **__: Any) -> Any:
        raise error("docker service did not finish")

    monkeypatch.setattr(swarm, asked, silent)
    with pytest.raises(RuntimeError, match="the services could not be watched: docker service did not finish"):
        wait(swarm)


async def test_the_hook_knows_the_services_when_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(convergence, "converge", lambda _, *given: asked.append(given))
    settings = type("Settings", (), {"docker_host": "unix:///x", "docker_cert_path": None, "replicas": 2})
    made = convergence.converger("litellm-claude-prod", settings)  # type: ignore[arg-type]

    await made(pulumi.Output.from_input({"gateway": "a", "egress": "b"}))(None)  # type: ignore[arg-type]
    assert asked == [(["a", "b"], 900 + 2 * 180, "litellm-claude-prod")]
