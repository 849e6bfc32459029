"""The Claude Code CLI itself, pointed at the gateway as a user would do it: a base URL and a token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import claude_agent_sdk
import pytest

from testbed.container import Bed, Gateway, container
from tests.conformance.ask import ANSWER

if TYPE_CHECKING:
    from collections.abc import Iterator

CLI = Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"
MCP_SERVER = Path(__file__).parents[2] / "testbed" / "fakes" / "mcp_server.py"


@pytest.fixture(scope="module")
def by_key(bed: Bed) -> Iterator[Gateway]:
    with container(bed, CLAUDE_AUTH="api-key", ANTHROPIC_API_KEY="sk-ant-of-the-test") as made:
        yield made


@pytest.fixture(params=["login", "key"])
def gateway(request: pytest.FixtureRequest) -> Gateway:
    """With either credential, and with a fake API that has forgotten earlier tests."""
    made: Gateway = request.getfixturevalue("shared_gateway" if request.param == "login" else "by_key")
    made.forget()
    return made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def claude(gateway: Gateway, home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CLAUDE_CONFIG_DIR": str(home / ".claude"),
        "ANTHROPIC_BASE_URL": gateway.url,
        "ANTHROPIC_AUTH_TOKEN": gateway.key,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
        **({"NODE_EXTRA_CA_CERTS": gateway.ca} if gateway.ca else {}),
        **more,
    }
    command = [str(CLI), "-p", *arguments]
    return subprocess.run(
        command, env=env, cwd=home, capture_output=True, text=True, timeout=120, check=False, input=""
    )


def agent(*calls: tuple[str, dict[str, Any]]) -> str:
    """A prompt that makes the fake call these tools, one after the other (testbed/fakes/anthropic_script.py)."""
    return "\n".join(["Work.", *(f"FAKE:agent {name} {json.dumps(arguments)}" for name, arguments in calls)])


def results(gateway: Gateway) -> str:
    """What the tools said, as Claude got it."""
    blocks = [
        block
        for record in gateway.records()
        for message in record["body"]["messages"]
        for block in (message["content"] if isinstance(message["content"], list) else [])
        if block["type"] == "tool_result"
    ]
    return json.dumps([block["content"] for block in blocks])


def test_claude_code_without_tools_gets_its_answer(gateway: Gateway, home: Path) -> None:
    done = claude(gateway, home, "--tools", "", "--output-format", "json", "hello from the CLI")
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert result["result"].strip() == ANSWER.strip()
    assert not result["is_error"]


def test_claude_code_streams(gateway: Gateway, home: Path) -> None:
    arguments = ("--tools", "", "--output-format", "stream-json", "--verbose")
    done = claude(gateway, home, *arguments, "--include-partial-messages", "hello")
    frames = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    deltas = [
        frame["event"]["delta"].get("text", "")
        for frame in frames
        if frame["type"] == "stream_event" and frame["event"]["type"] == "content_block_delta"
    ]
    assert "".join(deltas) == ANSWER


@pytest.mark.parametrize(
    ("model", "upstream"),
    [
        ("", "claude-opus-5-5"),
        ("sonnet", "claude-sonnet-5-5"),
        ("opus", "claude-opus-5-5"),
        ("haiku", "claude-haiku-5-5"),
        ("claude-sonnet-5-5", "claude-sonnet-5-5"),
    ],
)
def test_claude_code_works_as_it_comes(model: str, upstream: str, gateway: Gateway, home: Path) -> None:
    done = claude(gateway, home, *(("--model", model) if model else ()), "hello")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == ANSWER.strip()
    (record, *_) = gateway.records()
    assert record["body"]["model"] == upstream
    assert {"Bash", "Read", "Edit"} <= {tool["name"] for tool in record["body"]["tools"]}


def test_claude_code_runs_its_tools_and_an_mcp_servers(gateway: Gateway, home: Path) -> None:
    file = home / "note.txt"
    file.write_text("hello file\n")
    servers = {"mcpServers": {"loud": {"command": sys.executable, "args": [str(MCP_SERVER)]}}}
    prompt = agent(
        ("Bash", {"command": "echo from-bash-$((6*7))", "description": "says something"}),
        ("Read", {"file_path": str(file)}),
        ("Edit", {"file_path": str(file), "old_string": "hello", "new_string": "goodbye"}),
        ("mcp__loud__shout", {"words": "quiet words"}),
    )
    allowed = "Bash,Read,Edit,mcp__loud__shout"
    done = claude(gateway, home, prompt, "--allowedTools", allowed, "--mcp-config", json.dumps(servers))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == ANSWER.strip()
    assert file.read_text() == "goodbye file\n"
    said = results(gateway)
    assert [words in said for words in ("from-bash-42", "hello file", "QUIET WORDS")] == [True] * 3
    assert len(gateway.records()) == 5, "one call of Claude for each turn"


def test_claude_code_has_a_subagent(gateway: Gateway, home: Path) -> None:
    inner = agent(("Bash", {"command": "echo from-the-subagent", "description": "says something"}))
    prompt = agent(("Agent", {"description": "a part", "subagent_type": "general-purpose", "prompt": inner}))
    done = claude(gateway, home, prompt, "--allowedTools", "Bash,Agent")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ANSWER.strip() in done.stdout
    assert "from-the-subagent" in results(gateway)


def test_claude_code_asks_its_small_model_too(gateway: Gateway, home: Path) -> None:
    """Its traffic beside the conversation is on, as it is for whoever sets nothing."""
    done = claude(gateway, home, "hello", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="", DISABLE_TELEMETRY="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip() == ANSWER.strip()
    known = {"claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5"}
    assert {record["body"]["model"] for record in gateway.records()} <= known


def test_claude_code_with_a_wrong_key_is_refused(gateway: Gateway, home: Path) -> None:
    done = claude(gateway, home, "--tools", "", "hello", ANTHROPIC_AUTH_TOKEN="sk-wrong")
    assert done.returncode != 0
    assert gateway.records() == []
