"""The bundled CLI itself against a fake API: what holds even when the pool is late with its kill."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.fakes.anthropic_api import FakeAnthropic

from claude_gateway.claude.process import CliProcess
from claude_gateway.claude.transport import CliTransport
from claude_gateway.claude.turns import ChatRequest

if TYPE_CHECKING:
    from pathlib import Path


async def read_to_the_end(url: str, prompt: str, folder: Path) -> list[dict[str, Any]]:
    """All frames for one prompt, without killing the process at the stop reason."""
    working = folder / "empty"
    working.mkdir()
    environment = {
        "ANTHROPIC_BASE_URL": url,
        "CLAUDE_CODE_OAUTH_TOKEN": "fake-token",
        "CLAUDE_CONFIG_DIR": str(folder / "config"),
        "HOME": str(folder),
    }
    process = CliProcess(CliTransport(environment, cwd=str(working)))
    await process.start()
    try:
        await process.hand_over(ChatRequest("claude-sonnet-4-5", "", [], [{"type": "text", "text": prompt}]))
        frames = []
        async for frame in process.frames(30, 30):
            frames.append(frame)
            if frame.get("type") == "result":
                break
        return frames
    finally:
        process.transport.kill()
        await process.transport.close()


@pytest.mark.parametrize(
    "marker", ["FAKE:maxtok", "FAKE:window", "FAKE:refusal", "FAKE:tool", "FAKE:midstream", "plain"]
)
def test_the_cli_asks_once_even_when_nobody_stops_it(
    marker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with FakeAnthropic() as fake:
        frames = asyncio.run(read_to_the_end(fake.url, marker, tmp_path))
    assert frames[-1]["type"] == "result"
    assert len([record for record in fake.records if record.path.startswith("/v1/messages")]) == 1
