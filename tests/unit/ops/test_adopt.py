"""Whose the files in an adopted volume are, and when they are handed over."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ops import adopt, volumes
from ops.commands import OperationError
from ops.engine import Engine

VOLUME = "compose_claude-auth"
ROOT = Path(__file__).parents[3]


class Docker:
    """Stands in for docker: one volume with these entries (depth, uid, gid), and the containers that mount it."""

    def __init__(self) -> None:
        self.there = True
        self.entries = "0 1000 1000\n1 1000 1000\n"
        self.running: list[str] = []
        self.own: list[str] = []
        self.healthy = False
        self.found_inside = ""
        self.exec_status = 0
        self.calls: list[list[str]] = []

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.calls.append(command[3:])
        match command[3]:
            case "volume":
                return subprocess.CompletedProcess(command, 0 if self.there else 1, "", "no such volume")
            case "ps":
                names = self.own if any("label=" in part for part in command) else [*self.own, *self.running]
                names = names if "health=healthy" not in command or self.healthy else []
                return subprocess.CompletedProcess(command, 0, "\n".join(names), "")
            case "exec":
                return subprocess.CompletedProcess(command, self.exec_status, self.found_inside, "")
        return subprocess.CompletedProcess(command, 0, self.entries if "find" in command else "", "")

    def changes(self) -> list[str]:
        """The names of the commands that changed something in the volume."""
        return [part for call in self.calls for part in call if part in {"chown", "chmod"}]


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Docker:
    """No command of this test is real; the stack prod adopts a compose deployment's volume."""
    fake = Docker()
    monkeypatch.setattr(subprocess, "run", fake)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text('config:\n  claudeAuthVolume: {type: string, default: ""}\n')
    (tmp_path / "Pulumi.prod.yaml").write_text(f"config:\n  litellm-claude:claudeAuthVolume: {VOLUME}\n")
    return fake


@pytest.mark.parametrize(
    ("entries", "whose"),
    [
        ("0 1000 1000\n1 1000 1000\n", "uid 1000"),
        ("0 0 0\n1 0 0\n", "root"),
        ("0 10001 10001\n1 10001 10001\n2 0 10001\n", "root"),  # the CLI was run as root in the container once
        ("0 10001 10001\n1 1000 10001\n1 1001 10001\n", "uid 1000 and uid 1001"),
    ],
)
def test_files_of_another_user_are_handed_over_with_a_word(
    docker: Docker, capsys: pytest.CaptureFixture[str], entries: str, whose: str
) -> None:
    docker.entries = entries
    adopt.hand_over("prod", Engine())
    assert docker.changes() == ["chmod", "chown"]
    assert f"the files in the volume {VOLUME} belong to {whose};" in capsys.readouterr().err


def test_the_container_that_hands_over_has_the_volume_and_nothing_else(docker: Docker) -> None:
    adopt.hand_over("prod", Engine())
    runs = [call for call in docker.calls if call[0] == "run"]
    assert runs
    for call in runs:
        options = call[: call.index(volumes.IMAGE)]
        assert options[options.index("--network") + 1] == "none"
        assert options[options.index("--cap-drop") + 1] == "ALL"
        assert {"--rm", "--read-only", "no-new-privileges"} <= set(options)
        assert [part for part in options if part.startswith("type=")] == [
            f"type=volume,source={VOLUME},target=/volume,volume-nocopy=true"
        ]


@pytest.mark.parametrize("entries", ["0 10001 10001\n1 10001 10001\n", "0 0 0\n"], ids=["own files", "empty"])
def test_a_volume_that_is_right_or_empty_is_left_alone(
    docker: Docker, capsys: pytest.CaptureFixture[str], entries: str
) -> None:
    docker.entries = entries
    adopt.hand_over("prod", Engine())
    assert docker.changes() == []
    assert capsys.readouterr().err == ""


def test_a_stack_that_runs_is_asked_itself_whose_the_files_are(docker: Docker) -> None:
    docker.own, docker.healthy = ["litellm-claude-prod-litellm-1"], True
    adopt.hand_over("organization/litellm-claude/prod", Engine())
    assert [call[0] for call in docker.calls] == ["volume", "ps", "exec"]


@pytest.mark.parametrize(("status", "found"), [(0, "/home/app/.claude/.credentials.json\n"), (1, "")])
def test_a_backup_that_root_restored_beside_a_running_stack_is_handed_over(
    docker: Docker, status: int, found: str
) -> None:
    docker.own, docker.healthy = ["litellm-claude-prod-litellm-1"], True
    docker.exec_status, docker.found_inside = status, found  # 1: it may not look into what root owns
    adopt.hand_over("prod", Engine())
    assert docker.changes() == ["chmod", "chown"]


def test_a_volume_that_is_not_there_yet_is_left_to_the_update_with_a_word(
    docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    docker.there = False
    adopt.hand_over("prod", Engine())
    assert [call[0] for call in docker.calls] == ["volume"]
    assert f"there is no volume {VOLUME}, which claudeAuthVolume names" in capsys.readouterr().err


def test_files_that_a_running_container_works_with_are_not_taken_from_it(docker: Docker) -> None:
    docker.running = ["compose-litellm-1"]
    with pytest.raises(OperationError, match=r"compose-litellm-1 works with them\. .*docker stop compose-lit"):
        adopt.hand_over("prod", Engine())
    assert docker.changes() == []


def test_the_stacks_own_failing_container_does_not_keep_its_volume_from_being_repaired(docker: Docker) -> None:
    docker.own = ["litellm-claude-prod-litellm-1"]
    adopt.hand_over("prod", Engine())
    assert docker.changes() == ["chmod", "chown"]


@pytest.mark.parametrize(
    ("settings", "volume"),
    [("{}", "litellm-claude-prod-claude-auth"), ("{litellm-claude:claudeAuthVolume: other}", "other")],
)
def test_the_volume_is_the_adopted_one_or_the_stacks_own(docker: Docker, settings: str, volume: str) -> None:
    Path("Pulumi.prod.yaml").write_text(f"config: {settings}\n")
    assert adopt.volume_of("organization/litellm-claude/prod") == volume


def test_a_name_that_is_kept_as_a_secret_is_asked_of_pulumi(docker: Docker) -> None:
    Path("Pulumi.prod.yaml").write_text("config: {litellm-claude:claudeAuthVolume: {secure: abc}}\n")
    docker.entries = ""
    adopt.volume_of("prod")
    assert docker.calls[-1][:1] == ["claudeAuthVolume"]


def test_the_image_that_hands_over_is_the_one_that_set_up_sees_to() -> None:
    assert f"\nimage={volumes.IMAGE}\n" in (ROOT / "setup" / "base_image.sh").read_text()
    assert f"useradd -u {adopt.USER} " in (ROOT / "images" / "litellm" / "Dockerfile").read_text()
