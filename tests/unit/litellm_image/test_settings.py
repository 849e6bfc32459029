"""What the container refuses to start with, and what the server process may see."""

from __future__ import annotations

import json
import os
import stat
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_gateway.config import memory
from claude_gateway.config.settings import SECRET_VARIABLES, VARIABLES, ClaudeAuth, Settings
from claude_gateway.config.variables import SettingsError, with_stack
from claude_gateway.start import entry
from claude_gateway.start.server import read_settings

GOOD = {"LITELLM_MASTER_KEY": "sk-good-key", "GATEWAY_MODELS": '{"sonnet": "claude-sonnet-5-5"}'}
SECRETS = {
    "LITELLM_MASTER_KEY": "sk-secret-current",
    "LITELLM_PREVIOUS_MASTER_KEY": "sk-secret-previous",
    "CLAUDE_CODE_OAUTH_TOKEN": "secret-oauth-token",
}


def test_defaults() -> None:
    settings = Settings.from_environment(GOOD)
    assert settings.claude_auth is ClaudeAuth.LOGIN
    assert (settings.claude_warm_processes, settings.claude_max_concurrency) == (2, 4)
    assert settings.claude_queue_seconds == 10
    assert (settings.drain_seconds, settings.drain_notice_seconds, settings.drop_params) == (600, 3, False)
    assert settings.previous_key is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"LITELLM_MASTER_KEY": None}, "LITELLM_MASTER_KEY"),
        ({"LITELLM_MASTER_KEY": ""}, "LITELLM_MASTER_KEY"),
        ({"LITELLM_MASTER_KEY": "no-prefix"}, "sk-"),
        ({"LITELLM_MASTER_KEY": "sk-"}, "LITELLM_MASTER_KEY"),
        ({"LITELLM_MASTER_KEY": "sk-with blank"}, "LITELLM_MASTER_KEY"),
        ({"LITELLM_MASTER_KEY": "sk-new\nline"}, "LITELLM_MASTER_KEY"),
        ({"LITELLM_PREVIOUS_MASTER_KEY": "old"}, "LITELLM_PREVIOUS_MASTER_KEY"),
        ({"LITELLM_PREVIOUS_MASTER_KEY": "sk-good-key"}, "make rotate"),
        ({"LITELLM_PREVIOUS_MASTER_KEY": "sk-old", "LITELLM_PREVIOUS_KEY_EXPIRES": "tomorrow"}, "RFC 3339"),
        ({"LITELLM_PREVIOUS_MASTER_KEY": "sk-old", "LITELLM_PREVIOUS_KEY_EXPIRES": "1764072000"}, "RFC 3339"),
        ({"LITELLM_PREVIOUS_MASTER_KEY": "sk-old", "LITELLM_PREVIOUS_KEY_EXPIRES": "2026-11-25T12:00:00"}, "zone"),
        ({"LITELLM_KEY_GENERATION": "a b"}, "LITELLM_KEY_GENERATION"),
        ({"GATEWAY_MODELS": None}, "GATEWAY_MODELS"),
        ({"GATEWAY_MODELS": "{}"}, "GATEWAY_MODELS"),
        ({"GATEWAY_MODELS": "[1]"}, "GATEWAY_MODELS"),
        ({"GATEWAY_MODELS": '{"a": 1}'}, "GATEWAY_MODELS"),
        ({"GATEWAY_MODELS": '{"a": "b c"}'}, "; the entry 'a' is not"),
        ({"CLAUDE_AUTH": "magic"}, "CLAUDE_AUTH"),
        ({"CLAUDE_AUTH": "token"}, "claudeOauthToken"),
        ({"CLAUDE_AUTH": "api-key"}, "anthropicApiKey"),
        ({"ANTHROPIC_API_KEY": "sk-ant"}, "never share"),
        ({"CLAUDE_CODE_OAUTH_TOKEN": "token"}, "never share"),
        ({"CLAUDE_AUTH": "token", "CLAUDE_CODE_OAUTH_TOKEN": "t", "ANTHROPIC_API_KEY": "k"}, "never share"),
        ({"CLAUDE_AUTH": "api-key", "CLAUDE_CODE_OAUTH_TOKEN": "t", "ANTHROPIC_API_KEY": "k"}, "never share"),
        ({"CLAUDE_AUTH": "token", "CLAUDE_CODE_OAUTH_TOKEN": "a b"}, "blanks"),
        ({"ANTHROPIC_BASE_URL": "ftp://x"}, "ANTHROPIC_BASE_URL"),
        ({"ANTHROPIC_BASE_URL": "https://user:pass@x"}, "ANTHROPIC_BASE_URL"),
        ({"UPSTREAM_CA_CERTIFICATES": "no pem"}, "UPSTREAM_CA_CERTIFICATES"),
        ({"CLAUDE_WARM_PROCESSES": "-1"}, "CLAUDE_WARM_PROCESSES"),
        ({"CLAUDE_WARM_PROCESSES": "9"}, "CLAUDE_MAX_CONCURRENCY"),
        ({"CLAUDE_MAX_CONCURRENCY": "0"}, "CLAUDE_MAX_CONCURRENCY"),
        ({"CLAUDE_QUEUE_SECONDS": "soon"}, "CLAUDE_QUEUE_SECONDS"),
        ({"CLAUDE_QUEUE_SECONDS": "nan"}, "a number from 0 to 600"),
        ({"DRAIN_SECONDS": "0"}, "DRAIN_SECONDS"),
        ({"DRAIN_SECONDS": "1.5"}, "is '1.5'; it must be a whole number from 1 to 86400"),
        ({"GATEWAY_CLIENTS": '{"alice": "digest"}'}, "GATEWAY_CLIENTS is not what the program writes"),
        ({"METRICS_KEY_SHA256": "no digest"}, "METRICS_KEY_SHA256 is not the SHA-256 of a key"),
        ({"CLAUDE_PROCESS_REUSE": "all"}, "'client', 'stack' or 'off'"),
        ({"MEMORY_MIB": "100"}, "MEMORY_MIB"),
        ({"MAX_REQUEST_BYTES": "-1"}, "MAX_REQUEST_BYTES"),
        ({"DROP_PARAMS": "maybe"}, "DROP_PARAMS"),
        ({"LOG_LEVEL": "Loud"}, "LOG_LEVEL is 'Loud'; it must be DEBUG, INFO, WARNING or ERROR"),
    ],
)
def test_a_wrong_setting_is_refused_by_name_and_without_its_secret(change: dict[str, Any], named: str) -> None:
    env = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(env)
    assert named in str(caught.value)
    for name in SECRET_VARIABLES:
        if len(change.get(name) or "") > 4:
            assert change[name] not in str(caught.value)


def test_which_variables_are_secret() -> None:
    assert set(SECRET_VARIABLES) == {
        "LITELLM_MASTER_KEY",
        "LITELLM_PREVIOUS_MASTER_KEY",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "ANTHROPIC_API_KEY",
        "GATEWAY_CLIENTS",
        "METRICS_KEY_SHA256",
        "VALKEY_PASSWORD",
    }


@pytest.mark.parametrize("name", sorted(SECRET_VARIABLES))
@given(end=st.text(max_size=20))
def test_neither_settings_nor_an_error_with_its_traceback_quote_a_secret(name: str, end: str) -> None:
    secret = f"no secret {end}"
    try:
        shown = repr(Settings.from_environment({**GOOD, "CLAUDE_AUTH": "token", name: secret}))
    except SettingsError as error:
        shown = f"{error.__context__}{''.join(traceback.format_exception(error))}"
    assert "no secret" not in shown


def test_what_is_empty_is_not_set() -> None:
    assert Settings.from_environment(
        {**GOOD, **dict.fromkeys(set(VARIABLES) - set(GOOD), "")}
    ) == Settings.from_environment(GOOD)


def test_the_server_process_gets_no_secret_and_nothing_unknown() -> None:
    env = {
        **GOOD,
        **SECRETS,
        "DATABASE_URL": "postgres://x",
        "LITELLM_LOG": "DEBUG",
        "HTTPS_PROXY": "http://egress:3128",
    }
    passed = entry.server_environment(env)
    assert not set(passed) & {*VARIABLES, "DATABASE_URL", "LITELLM_LOG"}
    assert not any(secret in value for secret in SECRETS.values() for value in passed.values())
    assert passed["https_proxy"] == passed["HTTPS_PROXY"] == "http://egress:3128"
    assert passed["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"


def test_settings_are_handed_over_in_memory_only() -> None:
    given = {**GOOD, **SECRETS, "CLAUDE_AUTH": "token"}
    descriptor = entry.hand_over({**given, "DATABASE_URL": "postgres://x"})
    assert os.get_inheritable(descriptor)
    assert str(Path(f"/proc/self/fd/{descriptor}").readlink()).startswith("/memfd:")
    with os.fdopen(descriptor) as file:
        assert json.load(file) == given


def test_the_server_reads_the_settings_that_the_entry_point_has_validated() -> None:
    given = {**GOOD, **SECRETS, "CLAUDE_AUTH": "token", "CLAUDE_QUEUE_SECONDS": "7", "VALKEY_HOST": "valkey"}
    handed_over = {entry.HANDOVER_VARIABLE: str(entry.hand_over(given))}
    assert read_settings(handed_over) == Settings.from_environment(given)


@pytest.mark.parametrize("mode", ["login", "token", "api-key"])
def test_the_written_files_hold_no_secret_and_are_private(mode: str, tmp_path: Path) -> None:
    credential = {"token": {"CLAUDE_CODE_OAUTH_TOKEN": "secret-oauth"}, "api-key": {"ANTHROPIC_API_KEY": "secret-api"}}
    env = {**GOOD, "LITELLM_MASTER_KEY": "sk-secret-current", "CLAUDE_AUTH": mode, **credential.get(mode, {})}
    system = tmp_path / "system.crt"
    system.write_text("system\n")
    run = tmp_path / "run"
    run.mkdir()
    for _ in range(2):  # a container that restarts finds its own files
        entry.write_files(Settings.from_environment(env), run, system)
    assert sorted(path.name for path in run.iterdir()) == ["ca-certificates.crt", "cli"]
    for path in run.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        if path.is_file():
            assert "secret" not in path.read_text()


def test_a_private_ca_is_added_to_the_systems_own(tmp_path: Path) -> None:
    system = tmp_path / "system.crt"
    system.write_text("system\n")
    pem = "-----BEGIN CERTIFICATE-----\nprivate\n-----END CERTIFICATE-----"
    entry.write_files(Settings.from_environment({**GOOD, "UPSTREAM_CA_CERTIFICATES": pem}), tmp_path, system)
    bundle = (tmp_path / "ca-certificates.crt").read_text()
    assert bundle.startswith("system")
    assert pem in bundle


def test_the_memory_is_added_up_before_anything_starts() -> None:
    """Fault 16: many CLI processes, or large requests, against a small memory limit."""
    env = {**GOOD, "CLAUDE_MAX_CONCURRENCY": "64", "MEMORY_MIB": "3072"}
    with pytest.raises(SettingsError, match="claudeMaxConcurrency") as caught:
        Settings.from_environment(env)
    enough = str(caught.value).partition("litellmMemoryMib to ")[2].partition(" ")[0]
    assert Settings.from_environment({**env, "MEMORY_MIB": enough}).claude_max_concurrency == 64
    with_key = {"CLAUDE_AUTH": "api-key", "ANTHROPIC_API_KEY": "sk-ant-x"}
    assert Settings.from_environment({**env, **with_key}).memory_mib == 3072, "no CLI, no memory for it"


def test_what_bodies_may_hold_together_leaves_a_fifth_of_the_memory() -> None:
    assert memory.body_budget(3072, 0) * memory.COPIES / memory.MIB + memory.AT_REST_MIB <= 0.8 * 3072
    assert memory.body_budget(512, 4) == 0


def test_the_entry_point_ends_with_one_line_for_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "environ", {})
    with pytest.raises(SystemExit) as caught:
        entry.main()
    assert caught.value.code == 78
    output = capsys.readouterr().out
    assert output.startswith("ERROR: LITELLM_MASTER_KEY is missing")
    assert output.count("\n") == 1


def test_the_commands_of_a_sentence_name_the_stack() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment({**GOOD, "LITELLM_PREVIOUS_MASTER_KEY": "sk-good-key"})
    assert with_stack(str(raised.value), {"STACK": "prod"}).endswith("Run: make rotate STACK=prod")
    keep = "Keep one: pulumi config rm a, or pulumi config set b"
    named = "Keep one: pulumi config rm --stack prod a, or pulumi config set --stack prod b"
    assert with_stack(keep, {"STACK": "prod"}) == named
    assert with_stack(keep, {}) == keep
