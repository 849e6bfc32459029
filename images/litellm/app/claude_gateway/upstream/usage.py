"""What an answer has cost in tokens, read from Anthropic's events as they pass."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from claude_gateway.upstream.base import Answer, Ask, Endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from claude_gateway.upstream.base import Upstream, Usage

FIELDS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_input_tokens": "cache_read",
    "cache_creation_input_tokens": "cache_write",
}
"""By Anthropic's names (https://docs.claude.com/en/api/messages, "usage"), which are those of both credentials."""
MARK, PIECE = b'"usage"', b"content_block_delta"
WRITTEN, TOKEN_BYTES = ("text", "thinking", "partial_json"), 4
"""Anthropic says how much it has written in the last event alone. Until then it counts by its length, about four bytes
a token: whoever leaves before the last event has read the rest all the same."""
LINE_BYTES = 64 * 1024
"""Longest line that is looked into; an event with usage is far shorter."""


class Metered:
    """An upstream whose answers note their tokens in the request's `usage`; the bytes pass unchanged."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def start(self) -> None:
        await self._upstream.start()

    async def close(self) -> None:
        await self._upstream.close()

    async def ask(self, ask: Ask) -> Answer:
        """Raises Failure."""
        answer = await self._upstream.ask(ask)
        if ask.endpoint is Endpoint.COUNT_TOKENS:
            return answer
        watched = _events(answer.content, ask.usage) if ask.streamed else _whole(answer.content, ask.usage)
        return Answer(watched, answer.headers, answer.close)


async def _whole(content: AsyncIterator[bytes], usage: Usage) -> AsyncIterator[bytes]:
    pieces = []
    async for piece in content:
        pieces.append(piece)
        yield piece
    _note(_parsed(b"".join(pieces)), usage)


async def noted(events: AsyncIterator[dict[str, Any]], usage: Usage) -> AsyncGenerator[dict[str, Any], None]:
    """The events of an answer that its client gets whole: who leaves before has its tokens all the same."""
    written = 0
    async for event in events:
        if event.get("type") == PIECE.decode():
            written = _wrote(event, written, usage)
        _note(event, usage)
        yield event


async def _events(content: AsyncIterator[bytes], usage: Usage) -> AsyncIterator[bytes]:
    rest, written = b"", 0
    async for piece in content:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if usage.first_token is None and PIECE in line:
                usage.first_token = time.monotonic()
            if not line.startswith(b"data:"):
                continue
            if PIECE in line:
                written = _wrote(_parsed(line.removeprefix(b"data:")), written, usage)
            if MARK in line:
                _note(_parsed(line.removeprefix(b"data:")), usage)
        if len(rest) > LINE_BYTES:
            rest = b""
        yield piece


def _wrote(event: Any, before: int, usage: Usage) -> int:
    """Returns the bytes that are written, after `before` and with this delta."""
    delta = event.get("delta") if isinstance(event, dict) else None
    found = [delta.get(name) for name in WRITTEN] if isinstance(delta, dict) else []
    written = before + sum(len(one.encode(errors="replace")) for one in found if isinstance(one, str))
    usage.output = max(usage.output, written // TOKEN_BYTES)
    return written


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _note(said: Any, usage: Usage) -> None:
    for holder in (said, said.get("message")) if isinstance(said, dict) else ():
        counts: Any = holder.get("usage") if isinstance(holder, dict) else None
        if isinstance(counts, dict):
            for theirs, ours in FIELDS.items():
                if isinstance(count := counts.get(theirs), int):
                    setattr(usage, ours, count)
