"""What a backup file is, and what is wrong with one that cannot be restored."""

import contextlib
import json
import os
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest

from ops import backup_file, restore, volumes
from ops.backup_file import Backup, read, reserved, write
from ops.commands import OperationError
from ops.engine import Engine
from ops.state import KINDS, State
from rules.version import VERSION

SETTINGS = "config:\n  litellm-claude:environment: production\n"
SEALED = "encryptionsalt: v1:salt\n" + SETTINGS + "  backup:stack:\n    secure: v1:x\n"


def a_backup(**changes: Any) -> Backup:
    given = {
        "stack": "prod",
        "made": "2026-11-27T02:00:00+00:00",
        "version": VERSION,
        "settings": SETTINGS,
        "sealed": SEALED,
        "volumes": ["litellm-claude-prod-claude-auth"],
        "state": {"version": 3, "deployment": {"resources": []}},
    }
    return Backup(**{**given, **changes})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "kept.backup"
    with reserved(path):
        write(a_backup(), path)
    return path


def test_what_is_written_is_read(file: Path) -> None:
    assert read(file, "prod") == a_backup()
    assert read(file, "organisation/litellm-claude/prod") == a_backup()


def test_whatever_the_umask_only_its_owner_reads_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with reserved(tmp_path / "kept.backup"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "kept.backup").stat().st_mode) == 0o600


def test_a_backup_is_never_written_over_another_file(file: Path) -> None:
    before = file.read_text()
    with pytest.raises(OperationError, match="is there already"), reserved(file):
        pass
    assert file.read_text() == before


def test_what_a_killed_backup_left_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "kept.backup").touch()
    with reserved(tmp_path / "kept.backup"):
        write(a_backup(), tmp_path / "kept.backup")
    assert read(tmp_path / "kept.backup", "prod") == a_backup()


def test_of_two_at_the_same_time_each_file_is_whole_and_who_fails_takes_nothing_away(tmp_path: Path) -> None:
    path, second = tmp_path / "kept.backup", a_backup(made="2026-11-28T00:00:00+00:00")

    def meanwhile() -> None:
        with reserved(path):  # which takes the other's empty one for that of a killed backup
            write(second, path)
        raise RuntimeError

    with pytest.raises(RuntimeError), reserved(path):
        meanwhile()
    assert read(path, "prod") == second


def test_a_backup_is_under_its_name_when_all_of_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill or a power cut in between would leave one that looks like a backup."""
    path, seen = tmp_path / "kept.backup", list[int]()
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(path.stat().st_size))
    with reserved(path):
        write(a_backup(), path)
    assert seen == [0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_backup_is_no_device() -> None:
    with pytest.raises(OperationError, match="is there already"), reserved(Path(os.devnull)):
        pass


def test_a_backup_that_failed_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), reserved(tmp_path / "kept.backup"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_backup_whose_file_was_removed_meanwhile_fails_for_its_own_reason(tmp_path: Path) -> None:
    def fail() -> None:
        (tmp_path / "kept.backup").unlink()
        raise RuntimeError

    with pytest.raises(RuntimeError), reserved(tmp_path / "kept.backup"):
        fail()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"cannot be written to .*No such file"), reserved(tmp_path / "a" / "b"):
        pass


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is no backup, or was cut short"),
        ("config: {}\n", "is no backup, or was cut short"),
        ("\x00\x01", "is no backup, or was cut short"),
        ("[]", "is no backup that this version knows"),
        ('{"version": 3, "deployment": {}}', "is no backup that this version knows"),
        (json.dumps({"format": "litellm-claude backup 2"}), "is no backup that this version knows"),
    ],
)
def test_a_file_that_is_no_backup_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "x").write_text(content)
    with pytest.raises(OperationError, match=sentence):
        read(tmp_path / "x", "prod")


@pytest.mark.parametrize(
    ("changes", "stack", "sentence"),
    [
        ({"version": "0.1.0"}, "prod", r"made by version 0\.1\.0 of the project, and this is"),
        ({"stack": "prod"}, "dev", "is a backup of the stack 'prod', not 'dev'. Run: make restore STACK=prod"),
        ({"state": {}}, "prod", "damaged"),
        ({"sealed": "{"}, "prod", "damaged"),
        ({"sealed": "text"}, "prod", "damaged"),
        ({"settings": None}, "prod", "damaged"),
    ],
)
def test_a_backup_that_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, Any], stack: str, sentence: str
) -> None:
    write(a_backup(**changes), tmp_path / "x")
    with pytest.raises(OperationError, match=sentence):
        read(tmp_path / "x", stack)


def test_a_backup_of_another_stack_is_named_as_a_shell_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "of the night's"
    write(a_backup(stack="prod"), path)
    with pytest.raises(OperationError) as refused:
        read(path, "dev")
    assert shlex.split(str(refused.value).partition("Run: ")[2]) == ["make", "restore", "STACK=prod", f"FILE={path}"]


def test_parts_that_are_missing_or_unknown_are_refused(file: Path) -> None:
    whole = json.loads(file.read_text())
    for found in ({k: v for k, v in whole.items() if k != "state"}, {**whole, "more": 1}):
        file.write_text(json.dumps(found))
        with pytest.raises(OperationError, match="damaged"):
            read(file, "prod")


def test_no_such_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"cannot be read: No such file"):
        read(tmp_path / "none", "prod")


@pytest.mark.parametrize(
    ("stacks", "full", "sentence"),
    [
        (["dev", "organization/litellm-claude/prod"], False, "there is a stack 'prod' in this backend already"),
        (["dev"], True, "holds files already, .* docker volume rm litellm-claude-prod-claude-auth"),
        (["dev", "product"], False, None),
    ],
)
def test_nothing_is_overwritten(
    monkeypatch: pytest.MonkeyPatch, stacks: list[str], full: bool, sentence: str | None
) -> None:
    monkeypatch.setattr(restore, "pulumi", lambda *_, **__: json.dumps([{"name": name} for name in stacks]))
    monkeypatch.setattr(volumes, "exists", lambda *_: True)
    monkeypatch.setattr(volumes, "holds_something", lambda *_: full)
    if sentence is None:
        restore.refuse_overwriting("prod", a_backup(), Engine())
        return
    with pytest.raises(OperationError, match=sentence):
        restore.refuse_overwriting("prod", a_backup(), Engine())


def test_a_volume_comes_back_with_the_labels_that_it_was_declared_with() -> None:
    inputs = {"name": "litellm-claude-prod-acme", "labels": [{"label": "litellm-claude.stack", "value": "prod"}]}
    plain = {"name": "litellm-claude-prod-claude-auth"}
    resources = [{"type": KINDS["volume"], "urn": "urn:x", "inputs": given} for given in (plain, inputs)]
    state = State("prod", {"version": 3, "deployment": {"resources": resources}})
    assert restore.labels_of(state, "litellm-claude-prod-acme") == {"litellm-claude.stack": "prod"}
    assert restore.labels_of(state, "litellm-claude-prod-claude-auth") == {}


def test_a_trial_leaves_neither_folder_nor_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    with contextlib.suppress(OperationError), restore.elsewhere(a_backup()):
        trial = Path.cwd()
        assert os.environ["PULUMI_BACKEND_URL"] == f"file://{trial}"
        assert Path("Pulumi.prod.yaml").read_text() == SEALED
        raise OperationError
    assert Path.cwd() == tmp_path
    assert not trial.exists()
    assert os.environ["PULUMI_BACKEND_URL"] == "s3://bucket"


def test_a_trial_may_be_in_a_folder_whose_name_means_something_in_a_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a b#c?d%41"
    place.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(place))
    with restore.elsewhere(a_backup()):
        assert f"file://{tmp_path}/a b%23c%3Fd%2541/" in os.environ["PULUMI_BACKEND_URL"]
    assert list(place.iterdir()) == []


def test_set_up_reads_from_the_file_which_passphrase_it_needs(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["x", "prod", str(file)])
    assert backup_file.main() == 0
    assert capsys.readouterr().out == SEALED
