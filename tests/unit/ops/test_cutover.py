"""An emergency on a Swarm is over when no task with the old key runs any more."""

from collections.abc import Iterable
from typing import Any

import pytest

from ops.cutover import LATE_SECONDS, TasksCutover
from ops.engine import Engine

GRACE_SECONDS = 30


class Manager(Engine):
    """Stands in for a manager's engine: tasks by id, with what is wanted of them and what they are."""

    def __init__(self) -> None:
        super().__init__("unix:///nowhere")
        self.there = {"old-1": ("running", "running", "n1"), "old-2": ("running", "running", "n2")}
        self.killed: list[str] = []

    def tasks(self, services: Iterable[str], seconds: float | None = None) -> list[dict[str, Any]]:
        assert list(services) == ["prod-litellm"]
        return [
            {
                "ID": name,
                "Slot": name[-1],
                "NodeID": node,
                "DesiredState": wanted,
                "Status": {"State": state, "ContainerStatus": {"ContainerID": f"container-of-{name}"}},
                "Spec": {"ContainerSpec": {"StopGracePeriod": GRACE_SECONDS * 10**9}},
            }
            for name, (wanted, state, node) in self.there.items()
        ]

    def inspect(self, kind: str, names: Any, seconds: float | None = None) -> list[dict[str, Any]]:
        return [{"Description": {"Hostname": f"host-{name}"}} for name in names]

    def kill(self, identifier: str) -> None:
        self.killed.append(identifier)
        name = identifier.removeprefix("container-of-")
        if self.there[name][2] == "n1":  # the manager's own node
            self.there[name] = ("shutdown", "failed", "n1")


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which passes with each pause."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr("ops.cutover.time.sleep", sleep)
    monkeypatch.setattr("ops.cutover.time.monotonic", lambda: now[0])
    return now


def test_what_the_swarm_has_not_told_to_end_goes_on(manager: Manager) -> None:
    cutover = TasksCutover(manager, "prod-litellm")
    cutover()
    assert manager.killed == []


def test_an_old_task_of_this_node_is_killed_and_the_others_are_waited_for(
    manager: Manager, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    cutover = TasksCutover(manager, "prod-litellm")
    manager.there = {
        "old-1": ("shutdown", "running", "n1"),
        "old-2": ("shutdown", "running", "n2"),
        "new-1": ("running", "running", "n1"),
    }
    known = manager.tasks

    def tasks(services: Iterable[str], seconds: float | None = None) -> list[dict[str, Any]]:
        if clock[0] > 20:
            manager.there["old-2"] = ("shutdown", "complete", "n2")
        return known(services, seconds)

    monkeypatch.setattr(manager, "tasks", tasks)
    assert cutover.still_serving() == []
    assert clock[0] == pytest.approx(20.5)
    assert manager.there["old-1"][1] == "failed"
    assert "container-of-new-1" not in manager.killed


def test_one_that_does_not_end_in_its_time_is_named_with_its_node_and_what_to_do(
    manager: Manager, clock: list[float]
) -> None:
    said: list[str] = []
    cutover = TasksCutover(manager, "prod-litellm", said.append)
    manager.there["old-1"] = ("shutdown", "shutdown", "n1")
    manager.there["old-2"] = ("shutdown", "running", "n2")
    left = cutover.still_serving()
    assert left == ["prod-litellm.2 on host-n2"]
    assert clock[0] == pytest.approx(GRACE_SECONDS + LATE_SECONDS)
    assert said == ["waiting for prod-litellm.2 on host-n2 to end what was begun, for 40 s at most"] * 2
    assert cutover.how_to_end(left).startswith("On host-n2: docker ps --filter name=prod-litellm, and docker kill")
