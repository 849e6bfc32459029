"""The settings file that a restore writes: with what its secrets need, and never over another one."""

from pathlib import Path

import pytest

from ops import restore, volumes
from ops.commands import OperationError
from rules.yaml_file import parsed
from tests.unit.ops.test_backup import SETTINGS, a_backup


def test_the_settings_that_were_there_are_kept_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Pulumi.prod.yaml").write_text("config: {}\n")
    assert "Pulumi.prod.yaml.before-restore" in restore.place(a_backup())
    assert Path("Pulumi.prod.yaml.before-restore").read_text() == "config: {}\n"
    assert Path("Pulumi.prod.yaml").read_text() == SETTINGS + "encryptionsalt: v1:salt\n"
    with pytest.raises(OperationError, match="from an earlier restore"):
        restore.place(a_backup())
    assert Path("Pulumi.prod.yaml.before-restore").read_text() == "config: {}\n"


@pytest.mark.parametrize(
    "settings",
    [
        "config: {}",
        "config:\n  environment: dev",
        "{config: {port: 1}}\n",
        "",
        "# none\n",
        "config: {}\n---\nconfig: {port: 1}\n",
        "config:\n  keyRotation: 2026-02-31\n",
    ],
)
def test_the_settings_take_the_salt_in_whatever_form_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    """An editor need not end the last line, and YAML may stand in braces."""
    monkeypatch.chdir(tmp_path)
    restore.place(a_backup(settings=settings))
    assert parsed(Path("Pulumi.prod.yaml").read_text()) == {**parsed(settings), "encryptionsalt": "v1:salt"}


def test_what_is_in_the_way_is_said_before_a_volume_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("Pulumi.prod.yaml", "Pulumi.prod.yaml.before-restore"):
        Path(name).write_text("config: {}\n")
    monkeypatch.setattr(restore, "read", lambda *_: a_backup())
    monkeypatch.setattr(restore, "pulumi", lambda *_, **__: "[]")
    monkeypatch.setattr(restore, "opened", lambda _: {"litellm-claude-prod-claude-auth": ""})
    monkeypatch.setattr(volumes, "exists", lambda *_: False)
    monkeypatch.setattr(volumes, "fill", lambda *_: pytest.fail("a volume was filled"))
    with pytest.raises(OperationError, match="from an earlier restore"):
        restore.restore("prod", Path("kept"))


def test_the_same_settings_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Pulumi.prod.yaml").write_text(SETTINGS)
    assert restore.place(a_backup()) == ""
    assert not Path("Pulumi.prod.yaml.before-restore").exists()
