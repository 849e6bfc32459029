"""What an answer has cost in tokens, read from Anthropic's events as they pass."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from claude_gateway.upstream.base import Answer, Ask, Endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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
    _note(b"".join(pieces), usage)


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
                written += _length(line.removeprefix(b"data:"))
                usage.output = max(usage.output, written // TOKEN_BYTES)
            if MARK in line:
                _note(line.removeprefix(b"data:"), usage)
        if len(rest) > LINE_BYTES:
            rest = b""
        yield piece


def _length(text: bytes) -> int:
    """How many bytes a delta adds to what is written."""
    try:
        delta = json.loads(text).get("delta")
    except (ValueError, AttributeError):
        return 0
    found = [delta.get(name) for name in WRITTEN] if isinstance(delta, dict) else []
    return sum(len(one.encode(errors="replace")) for one in found if isinstance(one, str))


def _note(text: bytes, usage: Usage) -> None:
    try:
        said = json.loads(text)
    except ValueError:
        return
    for holder in (said, said.get("message")) if isinstance(said, dict) else ():
        counts: Any = holder.get("usage") if isinstance(holder, dict) else None
        if isinstance(counts, dict):
            for theirs, ours in FIELDS.items():
                if isinstance(count := counts.get(theirs), int):
                    setattr(usage, ours, count)
