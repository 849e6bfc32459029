"""The Claude Code CLI itself, pointed at the gateway as a user would do it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import claude_agent_sdk
import pytest

from tests.conformance.ask import ANSWER

if TYPE_CHECKING:
    from tests.conformance.harness import Gateway

CLI = Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"


def claude(gateway: Gateway, home: Path, *arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CLAUDE_CONFIG_DIR": str(home / ".claude"),
        "ANTHROPIC_BASE_URL": gateway.url,
        "ANTHROPIC_AUTH_TOKEN": key or gateway.key,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
        **({"NODE_EXTRA_CA_CERTS": gateway.ca} if gateway.ca else {}),
    }
    command = [str(CLI), "-p", *arguments]
    return subprocess.run(
        command, env=env, cwd=home, capture_output=True, text=True, timeout=120, check=False, input=""
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def test_claude_code_without_tools_gets_its_answer(gateway: Gateway, home: Path) -> None:
    done = claude(
        gateway, home, "--tools", "", "--model", "claude-sonnet-5-5", "--output-format", "json", "hello from the CLI"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert result["result"].strip() == ANSWER.strip()
    assert not result["is_error"]


def test_claude_code_streams(gateway: Gateway, home: Path) -> None:
    arguments = ("--tools", "", "--model", "claude-sonnet-5-5", "--output-format", "stream-json", "--verbose")
    done = claude(gateway, home, *arguments, "--include-partial-messages", "hello")
    frames = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    deltas = [
        frame["event"]["delta"].get("text", "")
        for frame in frames
        if frame["type"] == "stream_event" and frame["event"]["type"] == "content_block_delta"
    ]
    assert "".join(deltas) == ANSWER


@pytest.mark.parametrize("model", [(), ("--model", "sonnet"), ("--model", "opus"), ("--model", "haiku")], ids=str)
def test_claude_code_works_as_it_comes(model: tuple[str, ...], gateway: Gateway, home: Path) -> None:
    done = claude(gateway, home, *model, "hello")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == ANSWER.strip()
    (record, *_) = gateway.records()
    assert {"Bash", "Read", "Edit"} <= {tool["name"] for tool in record["body"]["tools"]}


def test_claude_code_with_a_wrong_key_is_refused(gateway: Gateway, home: Path) -> None:
    done = claude(gateway, home, "--tools", "", "--model", "claude-sonnet-5-5", "hello", key="sk-wrong")
    assert done.returncode != 0
    assert gateway.records() == []
