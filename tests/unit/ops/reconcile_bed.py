"""A stack in memory, and an engine that pretends, for tests of what is undone."""

import copy
import subprocess
from collections.abc import Iterable
from typing import Any

import pytest

from ops.commands import OperationError
from ops.engine import Container
from ops.reconcile import reconcile
from ops.state import State

URN = "urn:pulumi:prod::litellm-claude::litellm-claude:components:{0}$docker:index/{1}::litellm-claude-prod-{2}"


LITELLM = URN.format("LiteLLM", "container:Container", "litellm")


NETWORK = URN.format("Networks", "network:Network", "backend")


PASSWORD = "urn:pulumi:prod::litellm-claude::random:index/randomPassword:RandomPassword::litellm-claude-prod-{0}"


LABELS = [{"label": "litellm-claude.stack", "value": "litellm-claude-prod"}]


def container(identifier: str, urn: str = LITELLM, needs: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "urn": urn,
        "type": "docker:index/container:Container",
        "id": identifier,
        "inputs": {
            "name": f"name-of-{identifier}",
            "networksAdvanced": [{"name": "backend", "aliases": ["litellm"]}],
            "labels": LABELS,
            "destroyGraceSeconds": 608,
        },
        "dependencies": [NETWORK, *([needs] if needs else [])],
        **more,
    }


GATEWAY = URN.format("Gateway", "container:Container", "gateway")


BACKEND = {"urn": NETWORK, "type": "docker:index/network:Network", "id": "network-1", "inputs": {"name": "backend"}}


LOGIN = {
    "urn": NETWORK.replace("etwork", "olume"),
    "type": "docker:index/volume:Volume",
    "id": "login",
    "inputs": {"name": "login"},
}


UP: dict[str, Any] = {
    "State": {"Status": "running"},
    "NetworkSettings": {"Networks": {"backend": {"Aliases": ["litellm"]}}},
}


FAILED: dict[str, Any] = {"initErrors": ["container failed to be in healthy state"]}


OLD: dict[str, Any] = {"delete": True, "created": "2026-11-24T12:00:00Z"}


class Engine:
    """Stands in for docker: who serves, what carries the stack's label, and what was removed."""

    def __init__(self, serving: set[str], labelled: list[Container]) -> None:
        self.serving, self.labelled = serving, labelled
        self.removed: dict[str, int] = {}
        self.changed: dict[str, dict[str, Any]] = {}
        self.gone: set[str] = set()
        self.commands: list[tuple[str, ...]] = []
        self.refused: set[str] = set()
        self.swap = True

    def counts_swap(self) -> bool:
        return self.swap

    def inspect(self, kind: str, names: Iterable[str]) -> list[dict[str, Any]]:
        """Knows what was named, as it should be but for what is changed or gone."""
        entries = {name: {"Id": name, "Name": name} for name in names if name not in {*self.removed, *self.gone}}
        if kind == "container":
            entries = {name: {"Id": name, "Name": f"/name-of-{name}"} | UP for name in entries}
        return [entry | self.changed.get(name, {}) for name, entry in entries.items()]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        assert not check
        self.commands.append(command)
        return subprocess.CompletedProcess(command, int(command[0] in self.refused))

    def serves(self, identifier: str, role: str) -> bool:
        return identifier in self.serving

    def containers(self, stack_label: str, role: str | None = None) -> list[Container]:
        assert stack_label == "litellm-claude-prod"
        return self.labelled

    def log_tail(self, identifier: str) -> str:
        return "the end of its log"

    def remove(self, identifier: str, grace_seconds: int = 0) -> None:
        self.removed[identifier] = grace_seconds


class Bed:
    """A state in memory, an engine that pretends, and the order in which things were done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.engine = Engine(set(), [])
        self.saved: list[dict[str, Any]] | None = None
        self.locked = False
        self.refreshed: list[str] = []
        self._monkeypatch = monkeypatch
        monkeypatch.delenv("DOCKER_HOST", raising=False)  # the stack is on this machine, as its state has it

    def reconcile(self, *resources: dict[str, Any], **when: bool) -> None:
        state = State("prod", {"deployment": {"resources": copy.deepcopy(list(resources))}})

        def save() -> None:
            assert not self.engine.removed, "containers must go after the state is saved"
            if self.locked:
                raise OperationError("the stack is currently locked")
            self.saved = state.resources

        def refresh(gone: list[dict[str, Any]]) -> None:
            self.refreshed = [resource["id"] for resource in gone]

        for name, value in (("engine", lambda: self.engine), ("save", save), ("refresh", refresh)):
            self._monkeypatch.setattr(state, name, value)
        self._monkeypatch.setattr(State, "of", lambda stack: state)
        reconcile("prod", None, **when)


def labelled(identifier: str, network: str, status: str = "running") -> Container:
    return Container(
        identifier,
        f"name-of-{identifier}",
        "litellm",
        status,
        healthy=status == "running",
        networks=frozenset({network}),
    )
