"""The container's log: whatever logs goes through the one handler that masks, and that knows every secret."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from claude_gateway.config.settings import Settings

APP = Path(__file__).parents[3] / "images" / "litellm" / "app"
LOGS = """
import logging, sys
from pydantic import SecretStr
from claude_gateway.log_setup import set_up_log

library = logging.getLogger("LiteLLM")
library.addHandler(logging.StreamHandler(sys.stderr))
library.propagate = False
logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
set_up_log(sys.argv[1], [SecretStr("sk-very-secret")])
library.warning("a call with sk-very-secret")
logging.getLogger("httpx").info("a request with sk-very-secret")
logging.getLogger("httpx").warning("a wait")
logging.getLogger("claude_gateway.x").debug("a detail")
logging.getLogger("claude_gateway.x").info("a start\\nwith sk-very-secret")
"""


def logged(level: str) -> list[str]:
    """What a process logs, each line without its time."""
    done = subprocess.run(
        [sys.executable, "-c", LOGS, level], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(APP)}
    )
    assert done.stderr == "", "a library's own handler would mask nothing"
    return [line.partition(" ")[2] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_a_library_logs_through_the_handler_that_masks_and_no_other(level: str) -> None:
    detail = ["DEBUG claude_gateway.x: a detail"] if level == "DEBUG" else []
    assert logged(level) == [
        "WARNING LiteLLM: a call with [redacted]",
        "WARNING httpx: a wait",
        *detail,
        "INFO claude_gateway.x: a start\\nwith [redacted]",
    ]


def test_who_wants_errors_alone_gets_no_warning_of_a_library() -> None:
    assert logged("ERROR") == []


@pytest.mark.parametrize("auth", ["token", "api-key"])
def test_the_log_is_told_every_secret_that_there_is(auth: str) -> None:
    credential = {"token": "CLAUDE_CODE_OAUTH_TOKEN", "api-key": "ANTHROPIC_API_KEY"}[auth]
    secrets = {
        "LITELLM_MASTER_KEY": "sk-current",
        "LITELLM_PREVIOUS_MASTER_KEY": "sk-previous",
        credential: "the-credential",
        "VALKEY_PASSWORD": "the-password",
    }
    env = {"GATEWAY_MODELS": json.dumps({"sonnet": "claude-sonnet-5-5"}), "CLAUDE_AUTH": auth, **secrets}
    assert {one.get_secret_value() for one in Settings.from_environment(env).secrets} == set(secrets.values())
