"""A stack on a Swarm: its services are the state's, its tasks are the Swarm's own."""

import subprocess
from typing import Any

import pytest

from ops import before_up, rotate, usage
from ops.cutover import TasksCutover
from ops.engine import Container, Engine
from ops.presence import absent
from ops.reconcile import strays
from ops.state import State
from rules.docker import LOG_TRIES, EngineError

LABELS = [{"label": "litellm-claude.stack", "value": "litellm-claude-prod"}]
SERVICES = [
    {
        "urn": f"urn:pulumi:prod::litellm-claude::docker:index/service:Service::litellm-claude-prod-{role}",
        "type": "docker:index/service:Service",
        "id": f"id-of-{role}",
        "inputs": {"name": f"prod-{role}-1a2b3c4", "labels": LABELS},
    }
    for role in ("egress", "litellm", "gateway", "front")
]
OUTPUTS = {"key_generation": "2", "previous_key_generation": "1", "gateway_service": "prod-gateway-1a2b3c4"}


class Manager(Engine):
    """Stands in for a manager's engine: which services there are, and what was asked."""

    def __init__(self) -> None:
        super().__init__("unix:///nowhere")
        self.there = {f"id-of-{role}" for role in ("egress", "litellm", "gateway", "front")}
        self.asked: list[tuple[str, ...]] = []
        self.waited: list[float | None] = []
        self.hangs = 0
        self.template: dict[str, Any] = {"ContainerSpec": {"Secrets": ["key-1"]}}

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        self.asked.append(arguments)
        return subprocess.CompletedProcess(arguments, 0, "what tasks have logged\n", "")

    def call(
        self, *arguments: str, stdin: str | None = None, seconds: float | None = None, together: bool = False
    ) -> subprocess.CompletedProcess[str]:
        if arguments[1] == "logs":
            self.waited.append(seconds)
        if arguments[1] == "logs" and self.hangs:
            self.hangs -= 1
            raise EngineError("docker service did not finish in 60 s")
        return self.run(*arguments)

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        began = {"ID": "task-1", "Status": {"State": "running", "ContainerStatus": {"ContainerID": "c"}}}
        return [began, {"ID": "task-2", "Status": {"State": "preparing"}}]

    def containers(self, stack_label: str, role: str | None = None) -> list[Container]:
        return [Container("task", "prod-front-1a2b3c4.1", "front", "running", True, frozenset({"edge"}))]

    def inspect(self, kind: str, names: Any, seconds: float | None = None) -> list[dict[str, Any]]:
        if kind == "service":
            return [{"ID": name, "Spec": {"TaskTemplate": self.template}} for name in names if name in self.there]
        bindings = {"8443/tcp": [{"HostIp": "", "HostPort": "4000"}]}
        return [{"State": {"Running": True}, "HostConfig": {"PortBindings": bindings}} for name in names if name]


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def state(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> State:
    made = State("prod", {"deployment": {"resources": SERVICES}})
    monkeypatch.setattr(made, "engine", lambda: manager)
    monkeypatch.setattr(State, "of", staticmethod(lambda _stack: made))
    return made


def test_a_service_is_what_plays_a_role(state: State) -> None:
    assert state.label == "litellm-claude-prod"
    assert (state.current("litellm") or {})["id"] == "id-of-litellm"
    assert rotate.refuse_without_key("prod").name == "prod-litellm-1a2b3c4"


def test_a_task_is_no_stray_and_its_port_is_the_stacks_own(state: State, manager: Manager) -> None:
    assert strays(state, manager) == []
    assert before_up.held(state, manager) == {("0.0.0.0", 4000)}


def test_a_service_that_was_removed_by_hand_is_made_anew(
    state: State, manager: Manager, capsys: pytest.CaptureFixture[str]
) -> None:
    assert absent(state, manager) == []
    manager.there.remove("id-of-gateway")
    assert [one["id"] for one in absent(state, manager)] == ["id-of-gateway"]
    assert "the service prod-gateway-1a2b3c4 is gone" in capsys.readouterr().err


def test_usage_is_read_from_the_tasks_of_all_nodes(state: State, manager: Manager) -> None:
    assert list(usage.kept_lines("prod")) == ["what tasks have logged"]
    assert manager.asked == [
        ("service", "ps", "--quiet", "--no-trunc", "id-of-litellm"),
        ("service", "logs", "--raw", "task-1"),
    ]


def test_logs_of_which_a_manager_does_not_give_the_end_are_asked_for_again(state: State, manager: Manager) -> None:
    manager.hangs = len(LOG_TRIES) - 1
    assert list(usage.kept_lines("prod")) == ["what tasks have logged"]
    assert manager.waited == [10, 60], "an engine that gives an answer does so at once, or is asked again with patience"
    manager.hangs = len(LOG_TRIES)
    with pytest.raises(EngineError, match="did not finish"):
        list(usage.kept_lines("prod"))


def test_a_swarm_that_tells_nothing_is_no_stack_without_usage(
    state: State, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = subprocess.CompletedProcess((), 1, "", "The swarm does not have a leader.")
    monkeypatch.setattr(manager, "run", lambda *_, **__: silent)
    with pytest.raises(EngineError, match="does not have a leader"):
        list(usage.kept_lines("prod"))


def test_a_service_that_went_back_is_told_from_one_with_the_new_key(state: State, manager: Manager) -> None:
    before = rotate.serving("prod")
    assert rotate.serving("prod") == before
    manager.template = {"ContainerSpec": {"Secrets": ["key-2"]}}
    assert rotate.serving("prod") != before


def test_an_emergency_sees_the_tasks_of_before_end(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def update(*arguments: Any) -> None:
        seen.append(arguments[2])

    monkeypatch.setattr(rotate, "StackFile", lambda _stack: type("File", (), {"keys": lambda *_: None}))
    for name, value in (("update", update), ("rotation", lambda *_: None), ("report", lambda *_: "")):
        monkeypatch.setattr(rotate, name, value)
    rotate.rotate("prod", None)
    rotate.rotate("prod", None, "alice")
    assert isinstance(seen[0], TasksCutover)
    assert seen[1] is None, "a client's streams may end by themselves"
