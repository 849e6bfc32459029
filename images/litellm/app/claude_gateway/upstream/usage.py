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
BESIDE = ("compaction", "advisor_message")
"""Of the `iterations` of an answer those that are billed and not in its sum."""
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
    _Meter(usage).note(_parsed(b"".join(pieces)))


async def noted(events: AsyncIterator[dict[str, Any]], usage: Usage) -> AsyncGenerator[dict[str, Any], None]:
    """The events of an answer that its client gets whole: who leaves before has its tokens all the same."""
    meter = _Meter(usage)
    async for event in events:
        if event.get("type") == PIECE.decode():
            meter.add(event)
        meter.note(event)
        yield event


async def _events(content: AsyncIterator[bytes], usage: Usage) -> AsyncIterator[bytes]:
    rest, meter = b"", _Meter(usage)
    async for piece in content:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if usage.first_token is None and PIECE in line:
                usage.first_token = time.monotonic()
            if not line.startswith(b"data:"):
                continue
            if PIECE in line:
                meter.add(_parsed(line.removeprefix(b"data:")))
            if MARK in line:
                meter.note(_parsed(line.removeprefix(b"data:")))
        if len(rest) > LINE_BYTES:
            rest = b""
        yield piece


class _Meter:
    """Reads one answer into its `usage`."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._written = 0
        self._said: dict[str, Any] = {}

    def add(self, event: Any) -> None:
        """A delta of what is written."""
        delta = event.get("delta") if isinstance(event, dict) else None
        found = [delta.get(name) for name in WRITTEN] if isinstance(delta, dict) else []
        self._written += sum(len(one.encode(errors="replace")) for one in found if isinstance(one, str))
        self._usage.output = max(self._usage.output, self._written // TOKEN_BYTES)

    def note(self, said: Any) -> None:
        """What Anthropic says itself, in an event or a message; what it says later holds."""
        for holder in (said, said.get("message")) if isinstance(said, dict) else ():
            counts: Any = holder.get("usage") if isinstance(holder, dict) else None
            if isinstance(counts, dict):
                self._said |= {name: value for name, value in counts.items() if value is not None}
                self._sum()

    def _sum(self) -> None:
        steps = self._said.get("iterations")
        extra = [one for one in steps if isinstance(one, dict)] if isinstance(steps, list) else []
        parts = [self._said, *(one for one in extra if one.get("type") in BESIDE)]
        for theirs, ours in FIELDS.items():
            if found := [part[theirs] for part in parts if isinstance(part.get(theirs), int)]:
                setattr(self._usage, ours, sum(found))


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
