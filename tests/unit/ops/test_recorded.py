"""What operations make of a stack as engines of several versions described it, untouched and changed by hand."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from ops import before_up, guests, preflight, presence, prune, reconcile, summary
from ops.commands import OperationError
from ops.engine import Engine
from testbed.deployment import ROOT
from testbed.recording import Recording, recordings
from testbed.scrubbing import STACK
from tests.unit.tamperings import Tampering, container, engine, joined, network, printed, server

ALL = recordings()
each = pytest.mark.parametrize("recording", ALL, ids=lambda one: one.name)
Command = tuple[str, ...]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack's file in this folder sets nothing."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / f"Pulumi.{STACK}.yaml").write_text("config: {}\n")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def acts() -> list[Command]:
    return []


@each
def test_an_untouched_stack_is_left_alone(
    recording: Recording, acts: list[Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    recording.replay(monkeypatch, acts)
    state, docker = recording.in_force(), Engine()
    assert presence.absent(state, docker) == []
    assert reconcile.strays(state, docker) == []
    assert prune.images(recording.stack, state, docker) == []
    guests.refuse(recording.stack, state, docker)
    preflight.refuse(recording.stack, docker, len(state.in_force("network")))
    assert acts == []


@each
def test_the_stacks_own_port_is_known(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    recording.replay(monkeypatch)
    settings = recording.declaration().settings
    expected = {(str(address), settings.port) for address in settings.bind_addresses}
    assert before_up.held(recording.in_force(), Engine()) == expected
    assert {port for _, port in expected} == {int(str(recording.outputs["url"]).rpartition(":")[2])}


@each
def test_a_stack_without_a_login_is_told_so(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = recording.copy()
    for answer in changed.asked("test -s"):
        answer["status"] = 0
    for one, lacks in ((recording, True), (changed, False)):
        one.replay(monkeypatch)
        assert summary.lacks_login(one.outputs, Engine()) is lacks


LIMITS = "update --restart unless-stopped --memory {memory}m --memory-swap {memory}m --cpus {cpus} {id}"
CONNECT = "connect --alias egress"
MENDED: list[tuple[Tampering, list[str]]] = [
    (container("Name", "/another"), ["rename {id} {name}"]),
    (container("State.Status", "paused"), ["unpause {id}"]),
    (container("State.Status", "exited"), ["start {id}"]),
    (container("State.Status", "created"), ["start {id}"]),
    (container("HostConfig.Memory", 512 << 20), [LIMITS]),
    (container("HostConfig.MemorySwap", 512 << 20), [LIMITS]),
    (container("HostConfig.NanoCpus", 1), [LIMITS]),
    (container("HostConfig.RestartPolicy.Name", "no"), [LIMITS]),
    (joined("egress", "door"), ["network disconnect --force {door} {id}"]),
    (
        container("NetworkSettings.Networks", lambda on: {name: {**one, "Aliases": None} for name, one in on.items()}),
        [
            f"network {act} {{{name}}} {{id}}"
            for act in ("disconnect --force", CONNECT)
            for name in ("backend", "egress")
        ],
    ),
    (
        container("NetworkSettings.Networks", {}),
        [f"network {CONNECT} {{{name}}} {{id}}" for name in ("backend", "egress")],
    ),
]


def words(recording: Recording) -> dict[str, Any]:
    """What the commands name of the egress container and its networks."""
    declaration = recording.declaration()
    declared = declaration.containers["egress"]
    return {
        **{role: found["name"] for role, found in declaration.networks.items()},
        "id": declared.id,
        "name": declared.name,
        "memory": declared.inputs["memory"],
        "cpus": f"{float(declared.inputs['cpus']):g}",
    }


@each
@pytest.mark.parametrize(("tampering", "commands"), MENDED)
def test_what_was_changed_by_hand_is_undone_and_nothing_else(
    recording: Recording,
    tampering: Tampering,
    commands: list[str],
    acts: list[Command],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed = recording.copy()
    tampering(changed)
    changed.replay(monkeypatch, acts)
    assert presence.absent(changed.in_force(), Engine()) == []
    assert sorted(map(" ".join, acts)) == sorted(command.format_map(words(recording)) for command in commands)


@each
def test_a_container_that_the_state_does_not_know_is_a_stray(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording.replay(monkeypatch)
    state = recording.in_force()
    front = state.current("front")
    assert front is not None
    state.resources.remove(front)
    assert [one.name for one in reconcile.strays(state, Engine())] == [front["inputs"]["name"]]


@each
def test_images_of_an_earlier_version_are_removed(
    recording: Recording, acts: list[Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not list(recording.asked("image ls")):
        pytest.skip("this engine was given the images, and builds none")
    changed, old = recording.copy(), f"litellm-claude/litellm:aaaaaaaaaaaa-{recording.stack}"
    printed("image ls", more=f"{old}\n")(changed)
    changed.replay(monkeypatch, acts)
    assert prune.images(changed.stack, changed.in_force(), Engine()) == [old]
    assert acts == [("image", "rm", old)]


REFUSED: list[tuple[Tampering, str]] = [
    (
        network("door", "Containers", lambda there: {**there, "x": {"Name": "guest"}}),
        "what does not belong to it.*guest",
    ),
    (server("Version", "19.03.1"), "19.03"),
    (engine("MemoryLimit", False), "memory"),
]


@each
@pytest.mark.parametrize(("tampering", "sentence"), REFUSED)
def test_an_engine_that_cannot_do_it_is_refused(
    recording: Recording, tampering: Tampering, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = recording.copy()
    tampering(changed)
    changed.replay(monkeypatch)
    state = changed.in_force()

    def look() -> None:
        preflight.refuse(changed.stack, Engine(), len(state.in_force("network")))
        guests.refuse(changed.stack, state, Engine())

    with pytest.raises(OperationError, match=sentence):
        look()
