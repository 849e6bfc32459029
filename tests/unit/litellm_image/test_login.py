"""`claude-login`: what it says about the login, and that it shows no token."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from claude_gateway.start import login

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TOKEN = "the-access-token"


def write(path: Path, mode: int = 0o600, **fields: Any) -> Path:
    content = {"accessToken": TOKEN, "refreshToken": "the-refresh-token", "expiresAt": 1_795_000_000_000}
    content |= {"scopes": ["user:inference"]} | fields
    path.write_text(json.dumps({"claudeAiOauth": content}))
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("fields", "good", "words"),
    [
        ({}, True, "renews itself"),
        ({"expiresAt": 0}, True, "renews itself"),
        ({"refreshToken": None, "expiresAt": 1_900_000_000_000}, True, "does not renew"),
        ({"refreshToken": None, "expiresAt": 0}, False, "ran out"),
        ({"accessToken": ""}, False, "not a login"),
        ({"expiresAt": None}, False, "not a login"),
        ({"expiresAt": "9999999999999"}, False, "not a login"),
        ({"expiresAt": 1e300}, False, "not a login"),
        ({"scopes": ""}, False, "its scopes lack user:inference"),
        ({"scopes": None}, False, "its scopes lack user:inference"),
        ({"scopes": ["user:profile"]}, False, "its scopes lack user:inference"),
        ({"scopes": 5}, False, "not a login"),
    ],
)
def test_the_state_of_the_login(fields: dict[str, Any], good: bool, words: str, tmp_path: Path) -> None:
    verdict, sentence = login.describe_login(write(tmp_path / "c.json", **fields), NOW)
    assert verdict is good
    assert words in sentence
    assert TOKEN not in sentence


def test_no_login_at_all(tmp_path: Path) -> None:
    assert login.describe_login(tmp_path / "none", NOW)[0] is False


def test_a_login_that_others_can_read_is_not_good(tmp_path: Path) -> None:
    verdict, sentence = login.describe_login(write(tmp_path / "c.json", 0o644), NOW)
    assert verdict is False
    assert "can be read by others (mode 644)" in sentence


@pytest.mark.parametrize("auth", ["token", "api-key"])
def test_without_a_login_mode_it_says_so(
    auth: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLAUDE_AUTH", auth)
    assert login.main([]) == 1
    assert "does not use a login" in capsys.readouterr().out


@pytest.mark.parametrize("there", ["nothing", "a folder", "a dangling link", "a file for all"])
@pytest.mark.parametrize(("writes", "status"), [(True, 0), (False, 1)])
def test_it_ends_by_looking_at_what_was_written(
    there: str,
    writes: bool,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cli = tmp_path / "claude"
    source = write(tmp_path / "source.json")
    place = tmp_path / ".credentials.json"
    if there == "a folder":
        (place / "of some other machine").mkdir(parents=True)
    elif there == "a dangling link":
        place.symlink_to("/nowhere")
    elif there == "a file for all":
        write(place, 0o644, accessToken="")
    copy = f"cat {source} >{place}" if writes else "true"
    cli.write_text(
        f'#!/bin/sh\ntest "$1 $2" = "auth login" || exit 9\ntest -z "$LITELLM_MASTER_KEY" || exit 8\n{copy}\n'
    )
    cli.chmod(0o755)
    monkeypatch.setattr(login, "CLI", str(cli))
    monkeypatch.setenv("CLAUDE_AUTH", "login")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("LITELLM_MASTER_KEY", "sk-secret")
    monkeypatch.setenv("STACK", "prod")
    assert login.main([]) == status
    output = capsys.readouterr().out
    assert TOKEN not in output
    assert ("Logged in" in output) is writes
    assert ("Try again: make login STACK=prod" in output) is not writes
