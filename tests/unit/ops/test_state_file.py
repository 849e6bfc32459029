"""A stack whose state is gone, and what is left of it."""

import gzip
import json
import shlex
import subprocess
from pathlib import Path

import pytest

from ops.repair_file_backend import drop_half_written_notes
from rules import state_file

WHOLE = json.dumps({"checkpoint": {"latest": {"resources": [{"urn": "one"}]}}})


def test_a_state_that_is_gone_is_put_back_and_not_begun_anew(tmp_path: Path) -> None:
    """Another one would have other keys, beside the containers of the first."""
    state = tmp_path / "o'neil"
    history = state / "history" / "litellm-claude" / "dev"
    history.mkdir(parents=True)
    (state / "stacks" / "litellm-claude").mkdir(parents=True)
    (history / "dev-1.checkpoint.json").write_text(WHOLE)
    with pytest.raises(SystemExit, match="the state of the stack 'dev' is gone") as stopped:
        state_file.checkpoint(state, "dev")
    command = str(stopped.value).partition("try again: ")[2].splitlines()[0]
    subprocess.run(shlex.split(command), check=True)
    assert state_file.checkpoint(state, "dev")["resources"]


@pytest.mark.parametrize(
    "left", ["stacks/litellm-claude/dev.json.bak", "history/litellm-claude/dev-2/1.checkpoint.json"]
)
def test_a_stack_that_was_removed_may_begin_anew(tmp_path: Path, left: str) -> None:
    """`pulumi stack rm` takes the history away, and leaves the last copy; another stack's history is not its own."""
    path = tmp_path / left
    path.parent.mkdir(parents=True)
    path.write_text(WHOLE)
    assert state_file.checkpoint(tmp_path, "dev") == {}


def test_the_state_of_another_stack_is_no_state_of_this_one(tmp_path: Path) -> None:
    """Copied over it by hand: the update would take the other stack's containers for its own."""
    folder = tmp_path / "stacks" / "litellm-claude"
    folder.mkdir(parents=True)
    for name, stack in (("dev.json", "prod"), ("dev.json.bak", "dev")):
        urn = f"urn:pulumi:{stack}::litellm-claude::pulumi:pulumi:Stack::litellm-claude-{stack}"
        (folder / name).write_text(json.dumps({"checkpoint": {"latest": {"resources": [{"urn": urn}]}}}))
    with pytest.raises(SystemExit, match=r"is that of the stack 'prod'.* cp \S*dev\.json\.bak \S*dev\.json"):
        state_file.checkpoint(tmp_path, "dev")


@pytest.mark.parametrize(("content", "stays"), [("", False), ("vers", False), ("version: 1\n", True)])
def test_a_note_of_the_backends_version_that_was_written_halfway_is_dropped(
    tmp_path: Path, content: str, stays: bool
) -> None:
    (tmp_path / "meta.yaml").write_text(content)
    drop_half_written_notes(tmp_path)
    assert (tmp_path / "meta.yaml").exists() is stays


def test_a_packed_state_is_a_state(tmp_path: Path) -> None:
    """As Pulumi writes it with PULUMI_SELF_MANAGED_STATE_GZIP; its history stays as it was."""
    history = tmp_path / "history" / "litellm-claude" / "dev" / "dev-1.checkpoint.json"
    packed = tmp_path / "stacks" / "litellm-claude" / "dev.json.gz"
    for path, content in ((history, WHOLE.encode()), (packed, gzip.compress(WHOLE.encode()))):
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    assert state_file.checkpoint(tmp_path, "dev")["resources"]
    packed.write_bytes(packed.read_bytes()[:20])
    with pytest.raises(SystemExit, match="is no whole") as stopped:
        state_file.checkpoint(tmp_path, "dev")
    subprocess.run(shlex.split(str(stopped.value).partition("try again: ")[2]), check=True)
    assert state_file.checkpoint(tmp_path, "dev")["resources"]


def test_the_copy_beside_a_packed_state_is_one(tmp_path: Path) -> None:
    packed = tmp_path / "stacks" / "litellm-claude" / "dev.json.gz"
    packed.parent.mkdir(parents=True)
    packed.with_name("dev.json.gz.bak").write_bytes(gzip.compress(WHOLE.encode()))
    packed.write_bytes(gzip.compress(WHOLE.encode())[:12] + b"\xff" * 30)
    with pytest.raises(SystemExit, match=r"cp \S*dev\.json\.gz\.bak \S*dev\.json\.gz$"):
        state_file.checkpoint(tmp_path, "dev")
