"""Whose tasks a report on services is about."""

from pathlib import Path

import pytest

from posture import services_judged  # noqa: F401 - registers the checks
from posture.engine import EngineError
from posture.model import REGISTRY
from posture.run import examine
from tests.unit.posture.services import context_of, task_container


def test_the_report_says_whose_tasks_were_looked_into(tmp_path: Path) -> None:
    context, manager = context_of(tmp_path)
    manager.containers = [task_container("front")]
    manager.info = {"Name": "node-1"}
    report = examine(context, [REGISTRY["swarm.containers"]], only=["swarm"])
    assert report.scope.startswith("looked into 1 of 4 tasks, those of node-1, the node of the manager that was asked")
    assert examine(context, [], only=["swarm"]).scope == ""


def test_without_a_leader_it_is_not_said_whose_tasks_were_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> list[object]:
        raise EngineError("the swarm does not have a leader")

    context, manager = context_of(tmp_path)
    monkeypatch.setattr(manager, "tasks", refuse)
    assert context.scope == ""
