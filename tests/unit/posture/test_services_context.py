"""Whose tasks a report on services is about."""

import base64
from pathlib import Path

import pytest

from posture import (
    services_declared,
    services_judged,
)
from posture.engine import EngineError
from posture.model import REGISTRY
from posture.run import examine
from rules.pulumi_types import CONFIG, NETWORK, SECRET
from tests.unit.posture.services import context_of, task_container


def test_the_report_says_whose_tasks_were_looked_into(tmp_path: Path) -> None:
    context, manager = context_of(tmp_path)
    manager.containers = [task_container("front")]
    manager.info = {"Name": "node-1"}
    report = examine(context, [REGISTRY["swarm.containers"]], only=["swarm"])
    assert report.scope.startswith("looked into 1 of 4 tasks, those of node-1, the node of the manager that was asked")
    assert examine(context, [], only=["swarm"]).scope == ""


def test_what_is_typed_on_a_swarm_is_typed_of_services(tmp_path: Path) -> None:
    context, _ = context_of(tmp_path)
    wanted = [check for name, check in REGISTRY.items() if name not in services_judged.REASONS]
    report = examine(context, wanted, skip=dict.fromkeys(REGISTRY, "what it says is looked at"))
    fixes = {finding.check.id: finding.check.remediation for finding in report.findings}
    assert not [name for name, fix in fixes.items() if "CONTAINER" in fix]
    docker = context.engine.typed
    assert fixes["drift.environment"].startswith(f"{docker} service rm SERVICE, which the evidence names, then make up")
    assert fixes["drift.networks"].startswith(f"{docker} service update --network-rm NETWORK SERVICE, then")
    assert fixes["drift.unknown-containers"].startswith(f"{docker} service rm the service, or {docker} rm")


def test_without_a_leader_it_is_not_said_whose_tasks_were_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> list[object]:
        raise EngineError("the swarm does not have a leader")

    context, manager = context_of(tmp_path)
    monkeypatch.setattr(manager, "tasks", refuse)
    assert context.scope == ""


def test_of_what_a_swarm_holds_for_a_stack_its_secrets_alone_are_kept_secret() -> None:
    """A file's value that a resource holds is known by its id; one that was never made has none."""
    held = [
        {"type": SECRET, "id": "s1", "inputs": {"data": base64.b64encode(b"a key").decode()}},
        {"type": CONFIG, "id": "c1", "inputs": {"data": base64.b64encode(b"api.anthropic.com").decode()}},
        {"type": SECRET, "inputs": {"data": ""}},
        {"type": NETWORK, "id": "n1", "inputs": {"name": "test-door"}},
    ]
    files = services_declared.contents(held)
    assert files == {"s1": "a key", "c1": "api.anthropic.com"}
    assert services_declared.secrets(held, files) == {"a key"}
    assert services_declared.network_names([*held, {"type": NETWORK, "inputs": {}}]) == {"n1": "test-door"}
