"""What a person is told when an interrupted update cannot be finished, and that it takes nothing of another stack."""

import subprocess
from pathlib import Path

import pytest

from ops import repair_file_backend
from tests.unit.ops.test_repair import PENDING, Engine, state_with
from tests.unit.scripts import Copy, ready, salted_state


def test_what_keeps_pulumi_from_looking_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(255, command)

    monkeypatch.setattr(subprocess, "run", refused)
    state_with(tmp_path, pending_operations=[PENDING], resources=[])
    assert repair_file_backend.main(str(tmp_path), "dev") == repair_file_backend.FAILED


@pytest.mark.parametrize("target", ["up", "down"])
@pytest.mark.parametrize(("status", "explained"), [(3, True), (1, False), (0, False)])
def test_it_is_explained_as_at_any_time(copy: Copy, target: str, status: int, explained: bool) -> None:
    ready(copy, f'[[ $2 != *repair* ]] || exit {status}\n[ "$2" != ops.explain ] || echo "explained $4"')
    salted_state(copy, "dev")
    copy.fake("pulumi", "exit 0")
    copy.fake("docker", "exit 0")
    done = copy.run(f"{target}.sh", "dev")
    assert done.returncode == (1 if status else 0)
    assert (f"explained {target}" in done.stdout) is explained


@pytest.mark.parametrize("target", ["up", "preview", "down"])
def test_settings_that_were_swept_away_meanwhile_are_not_told_as_settings_that_are_none(
    copy: Copy, target: str
) -> None:
    """Pulumi takes a file that is gone for an empty one: "environment: must be set"."""
    salted_state(copy, "dev")
    temporary = copy.root / "temporary"
    temporary.mkdir()
    copy.environment["TMPDIR"] = str(temporary)
    copy.fake("pulumi", f"rm -r {temporary}/*; exit 255")
    copy.fake("docker", "exit 0")
    done = copy.run(f"{target}.sh", "dev")
    assert done.returncode == 1
    assert f"somebody has emptied {temporary} meanwhile" in done.stderr
    assert f"Run 'make {target} STACK=dev' again." in done.stderr


def test_a_dot_in_a_name_is_a_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker's filter is an expression, and the stack `a-b` may stand beside the stack `a.b`."""
    engine = Engine()
    monkeypatch.setattr(subprocess, "run", engine)
    engine.names = ["litellm-claude-a-b-litellm-1a2b3c4", "litellm-claude-a.b-litellm-1a2b3c4"]
    repair_file_backend.remove("container", "litellm-claude-a.b-litellm-1a2b3c4")
    removed = [command for command in engine.commands if " rm " in command]
    assert removed == ["docker container rm --force litellm-claude-a.b-litellm-1a2b3c4"]
