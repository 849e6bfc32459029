"""What is undone after a failed update, and what is left alone."""

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
UP: dict[str, Any] = {"State": {"Status": "running"}, "NetworkSettings": {"Networks": {"backend": {}}}}
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

    def last_words(self, identifier: str) -> str:
        return "its last words"

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

    def reconcile(self, *resources: dict[str, Any], after_failure: bool = False, before_down: bool = False) -> None:
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
        reconcile("prod", after_failure=after_failure, before_down=before_down)


@pytest.fixture
def bed(monkeypatch: pytest.MonkeyPatch) -> Bed:
    return Bed(monkeypatch)


def test_a_healthy_stack_is_left_alone(bed: Bed) -> None:
    bed.reconcile(BACKEND, container("good"), after_failure=True)
    assert bed.saved is None
    assert not bed.engine.removed


def test_a_stack_without_containers_is_left_alone(bed: Bed) -> None:
    bed.reconcile(BACKEND)
    assert bed.saved is None


def test_a_failed_replacement_goes_and_what_serves_is_in_force_again(bed: Bed) -> None:
    bed.engine.serving = {"old"}
    bed.reconcile(BACKEND, container("new", **FAILED), container("old", **OLD))
    assert bed.saved is not None
    assert [(r["id"], r.get("delete")) for r in bed.saved] == [("network-1", None), ("old", None)]
    assert bed.engine.removed == {"new": 0}


def test_what_the_old_container_needs_stands_before_it_in_the_state(bed: Bed) -> None:
    bed.engine.serving = {"old"}
    key = {"urn": PASSWORD.format("old"), "type": "random:index/randomPassword:RandomPassword", "id": "none"}
    bed.reconcile(BACKEND, container("new", **FAILED), key, container("old", needs=key["urn"], **OLD))
    assert bed.saved is not None
    assert [r["id"] for r in bed.saved] == ["network-1", "none", "old"]


def test_of_several_old_containers_the_newest_that_serves_is_taken(bed: Bed) -> None:
    bed.engine.serving = {"older", "old"}
    older = container("older", delete=True, created="2026-11-24T11:00:00Z")
    bed.reconcile(BACKEND, container("new", **FAILED), older, container("old", **OLD))
    assert bed.saved is not None
    assert [(r["id"], r.get("delete")) for r in bed.saved[1:]] == [("old", None), ("older", True)]


def test_a_failed_container_without_a_predecessor_is_made_anew_and_nothing_that_needs_it_is_cut_off(bed: Bed) -> None:
    gateway = container("gateway", GATEWAY, needs=LITELLM)
    bed.reconcile(BACKEND, container("new", **FAILED), gateway)
    assert bed.saved is not None
    assert [r["id"] for r in bed.saved] == ["network-1", "new", "gateway"], "pulumi itself forgets it"
    assert bed.engine.removed == {"new": 0}
    assert bed.refreshed == ["new"]


@pytest.mark.parametrize(
    ("entry", "command"),
    [
        ({"State": {"Status": "exited"}}, ("start", "good")),
        ({"State": {"Status": "created"}}, ("start", "good")),
        ({"State": {"Status": "paused"}}, ("unpause", "good")),
        ({"Name": "/by-hand"}, ("rename", "good", "name-of-good")),
        (
            {"NetworkSettings": {"Networks": {}}},
            ("network", "connect", "--alias", "litellm", "backend", "good"),
        ),
    ],
)
def test_what_was_changed_by_hand_is_undone_without_a_new_container(
    bed: Bed, entry: dict[str, Any], command: tuple[str, ...]
) -> None:
    bed.engine.changed = {"good": entry}
    bed.reconcile(BACKEND, container("good"))
    assert bed.engine.commands == [command]
    assert not bed.engine.removed
    assert not bed.refreshed


def test_a_container_that_cannot_be_started_again_is_made_anew(bed: Bed) -> None:
    bed.engine.changed = {"good": {"State": {"Status": "exited"}}}
    bed.engine.refused = {"start"}
    bed.reconcile(BACKEND, container("good"))
    assert bed.engine.removed == {"good": 0}
    assert bed.refreshed == ["good"]


def test_a_stack_that_is_taken_down_is_not_started_first(bed: Bed) -> None:
    bed.engine.changed = {"good": {"State": {"Status": "exited"}}}
    bed.engine.gone = {"network-1"}
    bed.engine.labelled = [labelled("stray", "network-1")]
    bed.reconcile(BACKEND, container("good"), before_down=True)
    assert not bed.engine.commands
    assert not bed.refreshed
    assert bed.engine.removed == {"stray": 608}, "it would hold the networks"


@pytest.mark.parametrize("lost", ["good", "network-1", "login"])
def test_what_was_removed_by_hand_is_made_anew(bed: Bed, lost: str) -> None:
    bed.engine.gone = {lost}
    bed.reconcile(BACKEND, LOGIN, container("good"))
    assert bed.refreshed == [lost]
    assert not bed.engine.removed


def test_a_login_is_never_made_anew_in_silence(bed: Bed, capsys: pytest.CaptureFixture[str]) -> None:
    bed.engine.gone = {"login"}
    bed.reconcile(BACKEND, LOGIN, container("good"))
    assert "make login STACK=prod" in capsys.readouterr().err


def test_a_stack_as_it_should_be_costs_no_refresh(bed: Bed) -> None:
    bed.reconcile(BACKEND, LOGIN, container("good"))
    assert not bed.engine.commands
    assert not bed.refreshed


def test_a_healthy_replacement_that_the_update_refused_is_drained_and_undone(bed: Bed) -> None:
    bed.engine.serving = {"old", "new"}
    bed.reconcile(BACKEND, container("new"), container("old", **OLD), after_failure=True)
    assert bed.saved is not None
    assert [r["id"] for r in bed.saved] == ["network-1", "old"]
    assert bed.engine.removed == {"new": 608}


@pytest.mark.parametrize("after_failure", [True, False])
def test_a_switch_that_was_made_is_not_undone(bed: Bed, after_failure: bool) -> None:
    bed.engine.serving = {"new"}  # the old one drains
    bed.reconcile(BACKEND, container("new"), container("old", **OLD), after_failure=after_failure)
    assert bed.saved is None


def test_a_healthy_replacement_is_kept_when_no_update_has_failed(bed: Bed) -> None:
    bed.engine.serving = {"old", "new"}
    bed.reconcile(BACKEND, container("new"), container("old", **OLD))
    assert bed.saved is None


def labelled(identifier: str, network: str, status: str = "running") -> Container:
    return Container(
        identifier,
        f"name-of-{identifier}",
        "litellm",
        status,
        healthy=status == "running",
        networks=frozenset({network}),
    )


def test_a_container_that_the_state_does_not_know_is_removed(bed: Bed) -> None:
    bed.engine.labelled = [labelled("good", "network-1"), labelled("stray", "network-1")]
    bed.reconcile(BACKEND, container("good"))
    assert bed.engine.removed == {"stray": 608}, "it may be answering requests, and gets the time to end them"


def test_a_container_that_was_never_started_is_removed(bed: Bed) -> None:
    bed.engine.labelled = [labelled("stray", "backend", "created")]  # it has no network's id yet, but the name
    bed.reconcile(BACKEND, container("good"))
    assert bed.engine.removed == {"stray": 0}


@pytest.mark.parametrize("status", ["running", "created"])
def test_another_working_copys_stack_of_the_same_name_is_left_alone(bed: Bed, status: str) -> None:
    bed.engine.labelled = [labelled("theirs", "network-of-theirs", status)]
    bed.reconcile(BACKEND, container("good"))
    assert not bed.engine.removed


def test_nothing_is_touched_while_another_update_holds_the_stack(bed: Bed) -> None:
    bed.engine.serving, bed.locked = {"old"}, True
    bed.engine.labelled = [labelled("stray", "network-1")]
    with pytest.raises(OperationError, match="locked"):
        bed.reconcile(BACKEND, container("new", **FAILED), container("old", **OLD))
    assert not bed.engine.removed


def test_the_last_words_of_what_is_removed_are_shown(bed: Bed, capsys: pytest.CaptureFixture[str]) -> None:
    bed.reconcile(BACKEND, container("new", **FAILED))
    printed = capsys.readouterr().err
    assert "removing name-of-new, which never became healthy" in printed
    assert "its last words" in printed


EGRESS = URN.format("Egress", "container:Container", "egress")
PAIRS = (
    container("new-egress", EGRESS),
    container("new-litellm", needs=EGRESS),
    container("old-egress", EGRESS, **OLD),
    container("old-litellm", needs=EGRESS, **OLD),
)


def test_what_was_replaced_together_comes_back_together_and_goes_in_reverse(bed: Bed) -> None:
    bed.engine.serving = {"old-egress", "old-litellm"}
    bed.reconcile(BACKEND, *PAIRS, after_failure=True)
    assert {r["id"] for r in bed.saved or []} == {"network-1", "old-egress", "old-litellm"}
    assert list(bed.engine.removed) == ["new-litellm", "new-egress"], "its answers go through the proxy"


def test_when_one_of_the_old_ones_drains_all_of_the_new_ones_stay(bed: Bed) -> None:
    """An interruption in the drain: the old egress proxy still serves, but new LiteLLM names the new one."""
    bed.engine.serving = {"old-egress"}
    bed.reconcile(BACKEND, *PAIRS, after_failure=True)
    assert bed.saved is None
    assert not bed.engine.removed
