"""Variables that come as files: taken where the environment says nothing, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from claude_gateway.config import files
from claude_gateway.config.files import with_files
from claude_gateway.config.settings import Settings
from claude_gateway.start import entry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    secrets, configs = tmp_path / "secrets", tmp_path / "configs"
    secrets.mkdir()
    configs.mkdir()
    (secrets / "LITELLM_MASTER_KEY").write_text("sk-of-a-file\n")
    (configs / "GATEWAY_MODELS").write_text('{"sonnet": "claude-sonnet-5-5"}')
    return [secrets, configs, tmp_path / "none"]


def test_a_variable_that_is_not_set_is_taken_from_the_file_of_its_name(folders: list[Path]) -> None:
    settings = Settings.from_environment(with_files({}, folders))
    assert settings.current_key.value.get_secret_value() == "sk-of-a-file"
    assert settings.models == {"sonnet": "claude-sonnet-5-5"}


def test_what_is_set_counts_and_be_it_empty(folders: list[Path]) -> None:
    given = {"LITELLM_MASTER_KEY": "sk-set", "GATEWAY_MODELS": ""}
    assert with_files(given, folders) == given


def test_what_is_no_variable_is_none(folders: list[Path]) -> None:
    before = with_files({}, folders)
    for name in ("rhsm", "lower_case", "WITH.DOT", "1ST"):
        (folders[0] / name).write_text("x")
    (folders[0] / "FOLDER").mkdir()
    assert with_files({}, folders) == before


def test_lines_within_a_file_stay(folders: list[Path]) -> None:
    (folders[1] / "UPSTREAM_CA_CERTIFICATES").write_text("one\ntwo\n\n")
    assert with_files({}, folders)["UPSTREAM_CA_CERTIFICATES"] == "one\ntwo"


def test_a_file_that_cannot_be_read_ends_the_start_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreadable(_env: object) -> dict[str, str]:
        raise PermissionError(13, "Permission denied", "/run/secrets/LITELLM_MASTER_KEY")

    monkeypatch.setattr(entry, "with_files", unreadable)
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == 78
    assert capsys.readouterr().out == "ERROR: /run/secrets/LITELLM_MASTER_KEY cannot be read: Permission denied\n"


def test_the_folders_are_where_a_swarm_puts_secrets_and_the_program_its_configuration() -> None:
    assert [str(folder) for folder in files.FOLDERS] == ["/run/secrets", "/run/configs"]
