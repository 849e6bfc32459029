"""The configuration file: changed as a whole or not at all, and no secret in an argument."""

import errno
import json
import os
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.commands import OperationError
from ops.key_rotation import Change
from ops.stack_file import StackFile

OLD_KEY = "sk-old"


class Pulumi:
    """Stands in for `pulumi config`: keeps the file as YAML, secrets under `secure`, and notes every argument."""

    def __init__(self) -> None:
        self.arguments: list[str] = []
        self.fails_at = ""

    def __call__(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        self.arguments += command
        action, rest = command[2], command[3 : command.index("--stack")]
        if self.fails_at and self.fails_at in command:
            return subprocess.CompletedProcess(command, 1, stdout="", stderr="error: no such key")
        path = Path(rest[rest.index("--config-file") + 1]) if "--config-file" in rest else Path("Pulumi.prod.yaml")
        config = yaml.safe_load(path.read_text())["config"]
        printed = ""
        if action == "get":
            printed = config[f"litellm-claude:{rest[0]}"]["secure"] + "\n"
        elif action == "set":
            config[f"litellm-claude:{rest[1]}"] = {"secure": options["input"]}
        elif action == "set-all":
            pairs = [pair.split("=", 1) for before, pair in pairwise(rest) if before == "--plaintext"]
            config |= {f"litellm-claude:{name}": value for name, value in pairs}
        elif action == "rm":
            del config[f"litellm-claude:{rest[0]}"]
        else:
            shown = {
                name: {"secret": True} if isinstance(value, dict) else {"value": value}
                for name, value in config.items()
            }
            return subprocess.CompletedProcess(command, 0, stdout=json.dumps(shown), stderr="")
        path.write_text(yaml.safe_dump({"config": config}))
        return subprocess.CompletedProcess(command, 0, stdout=printed, stderr="")


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    fake = Pulumi()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", fake)
    config = {
        "litellm-claude:environment": "production",
        "litellm-claude:masterKey": {"secure": OLD_KEY},
        "litellm-claude:previousKeyExpires": "2026-11-25T12:00:00Z",
    }
    Path("Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))
    return fake


def config() -> dict[str, Any]:
    return dict(yaml.safe_load(Path("Pulumi.prod.yaml").read_text())["config"])


CHANGE = Change(
    {"keyRotation": "2026-11-24"},
    {"masterKey": "sk-new"},
    {"previousMasterKey": "masterKey"},
    ("previousKeyRotation", "previousKeyExpires"),
)


def test_what_it_says_about_keys(pulumi: Pulumi) -> None:
    keys = StackFile("organization/litellm-claude/prod").keys()
    assert keys.production
    assert keys.configured
    assert keys.generation is None
    assert keys.previous_expires is not None
    assert keys.previous_expires.isoformat() == "2026-11-25T12:00:00+00:00"


def test_a_time_that_is_none_is_refused_with_its_fix(pulumi: Pulumi) -> None:
    path = Path("Pulumi.prod.yaml")
    path.write_text(path.read_text().replace("2026-11-25T12:00:00Z", "tomorrow"))
    with pytest.raises(OperationError, match="pulumi config set previousKeyExpires TIME"):
        StackFile("prod").keys()


def test_a_stack_that_is_not_there_is_named(pulumi: Pulumi) -> None:
    with pytest.raises(OperationError, match="there is no stack 'staging' here"):
        StackFile("staging")


def test_a_change_sets_moves_and_removes(pulumi: Pulumi) -> None:
    StackFile("prod").apply(CHANGE)
    assert config() == {
        "litellm-claude:environment": "production",
        "litellm-claude:keyRotation": "2026-11-24",
        "litellm-claude:masterKey": {"secure": "sk-new"},
        "litellm-claude:previousMasterKey": {"secure": OLD_KEY},
    }


def test_no_key_stands_in_an_argument(pulumi: Pulumi) -> None:
    StackFile("prod").apply(CHANGE)
    assert not [argument for argument in pulumi.arguments if "sk-" in argument]


@pytest.mark.parametrize("step", ["get", "set", "set-all", "rm"])
def test_a_change_that_fails_half_way_leaves_the_file_as_it_was(pulumi: Pulumi, step: str) -> None:
    before = config()
    pulumi.fails_at = step
    with pytest.raises(OperationError, match=f"pulumi config {step} failed: no such key"):
        StackFile("prod").apply(CHANGE)
    assert config() == before
    assert [path.name for path in Path().iterdir()] == ["Pulumi.prod.yaml"]


def test_the_file_is_put_back_when_the_update_fails(pulumi: Pulumi) -> None:
    before = Path("Pulumi.prod.yaml").read_bytes()
    during = {}

    def interrupted() -> None:
        with StackFile("prod").changed(CHANGE):
            during.update(config())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert during["litellm-claude:masterKey"] == {"secure": "sk-new"}
    assert Path("Pulumi.prod.yaml").read_bytes() == before


def test_a_link_to_a_file_elsewhere_stays_one(pulumi: Pulumi, tmp_path: Path) -> None:
    file, kept = tmp_path / "Pulumi.prod.yaml", tmp_path / "kept" / "prod.yaml"
    kept.parent.mkdir()
    file.rename(kept)
    file.symlink_to(kept)
    StackFile("prod").apply(Change({"keyRotation": "2026-11-28"}, removed=()))
    assert file.is_symlink()
    assert "2026-11-28" in kept.read_text()
    assert [one.name for one in kept.parent.iterdir()] == ["prod.yaml"]


def test_what_a_full_disk_keeps_from_being_put_back_is_said(pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: StackFile, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def failing() -> None:
        with StackFile("prod").changed(CHANGE):
            monkeypatch.setattr(StackFile, "_replace", full)
            raise OperationError("the update failed")

    with pytest.raises(
        OperationError,
        match=r"the update failed.* could not be put back .*No space left on device.*make up STACK=prod",
    ):
        failing()


def test_whose_file_it_was_stays_so_whoever_changes_it(pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has to be root for the engine's sake changes it as root."""
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "chown", lambda _path, user, group: given.append((user, group)))
    found = Path("Pulumi.prod.yaml").stat()
    StackFile("prod").apply(CHANGE)
    assert given == [(found.st_uid, found.st_gid)]
