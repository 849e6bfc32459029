"""The Claude CLI itself, or a pool of it, before a fake Anthropic API on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed.fakes import anthropic_blocks
from testbed.fakes.anthropic_api import FakeAnthropic

from claude_gateway.cli import ClaudePool, CliConfig
from claude_gateway.cli.channel import Channel
from claude_gateway.cli.environment import ARGUMENTS
from claude_gateway.cli.process import CliProcess
from claude_gateway.cli.request import cli_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from testbed.fakes.anthropic_api import Record

    from claude_gateway.cli.request import CliRequest

TOKEN = "sk-ant-oat01-fake-token"
MODELS = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5", "claude-sonnet-4-5", "claude-opus-4-6")
SCRIPTS = [*anthropic_blocks.CONTENTS, "maxtok", "stopseq", "refusal", "window", "echo"]
FAKE_CLI = Path(__file__).with_name("fake_claude.py")
# As a process of its own is started: nothing of what reuse needs.
PLAIN_ARGUMENTS = (*(one for one in ARGUMENTS if not one.startswith("--setting-sources")), "--setting-sources=")


@dataclass
class Bed:
    """A fake API, and what a CLI process needs to ask it."""

    fake: FakeAnthropic
    config: CliConfig

    @property
    def calls(self) -> list[Record]:
        """The requests for an answer of the model."""
        return [record for record in self.fake.records if record.path.startswith("/v1/messages")]

    def files(self) -> list[str]:
        """What lies in the login's folder and in the folder for processes."""
        roots = (self.config.config_dir, self.config.scratch)
        return sorted(str(path.relative_to(root.parent)) for root in roots for path in root.rglob("*"))


@contextlib.contextmanager
def cli_bed(folder: Path, **options: Any) -> Iterator[Bed]:
    """A bed in `folder`; `options` are CliConfig's."""
    login, scratch = folder / "login", folder / "scratch"
    login.mkdir()
    scratch.mkdir()
    with FakeAnthropic() as fake:
        given: dict[str, Any] = {"limit": 4, "warm": 0, "queue_seconds": 20, "oauth_token": TOKEN, **options}
        environment = {"ANTHROPIC_BASE_URL": fake.url, **given.pop("environment", {})}
        yield Bed(fake, CliConfig(config_dir=login, scratch=scratch, environment=environment, **given))


@contextlib.asynccontextmanager
async def pool_of(bed: Bed) -> AsyncIterator[ClaudePool]:
    pool = ClaudePool(bed.config)
    try:
        yield pool
    finally:
        await pool.close()
        assert pool.live == 0
        assert list(bed.config.scratch.iterdir()) == [], "nothing is left of any process"


@contextlib.asynccontextmanager
async def process_of(bed: Bed, system: str | None = None, *, plain: bool = False) -> AsyncIterator[CliProcess]:
    """One booted process; with a `system` text for one request with it; `plain` without what reuse needs."""
    process = CliProcess(Channel(bed.config, PLAIN_ARGUMENTS if plain else ARGUMENTS))
    try:
        await process.boot(system)
        yield process
    finally:
        await process.channel.close()


def scripted(folder: Path, script: str) -> Path:
    """A stand-in for the CLI that does what fake_claude.py calls `script`; it logs to cli.log in `folder`."""
    path = folder / "claude"
    words = [sys.executable, str(FAKE_CLI), script, str(folder / "cli.log")]
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    path.chmod(0o755)
    return path


def message(text: str = "hello there", /, **more: Any) -> dict[str, Any]:
    body = {"model": MODELS[0], "max_tokens": 100, "messages": [{"role": "user", "content": text}], **more}
    return {name: value for name, value in body.items() if value is not None}


def marked(number: int, script: str = "echo", **more: Any) -> dict[str, Any]:
    """A request whose every part holds a canary with its number."""
    more.setdefault("system", f"SYS-{number}-canary")
    more.setdefault(
        "tools", [{"name": "Bash", "description": f"TOOL-{number}-canary", "input_schema": {"type": "object"}}]
    )
    return message(f"MSG-{number}-canary, said the client FAKE:{script}", max_tokens=100 + number, **more)


def numbers(record: Record) -> set[int]:
    """Of which requests there is a canary in what was sent."""
    return {int(found) for found in re.findall(r"-(\d+)-canary", record.raw + json.dumps(record.headers))}


async def ask(process: CliProcess, request: CliRequest | dict[str, Any]) -> list[dict[str, Any]]:
    """All events of one answer."""
    await process.hand_over(cli_request(request) if isinstance(request, dict) else request)
    return [event async for event in process.events()]


async def ask_pool(
    pool: ClaudePool, body: dict[str, Any], client: str = "somebody", **more: Any
) -> list[dict[str, Any]]:
    return [event async for event in pool.events(body, client=client, **more)]


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")


async def until(what: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.005)
