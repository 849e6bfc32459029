"""Anthropic's answer as its events, whether it came as a stream or whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping


async def lines(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream, each whole and without its end; what has none was broken off."""
    begun: list[bytes] = []
    async for piece in content:
        *ended, rest = piece.split(b"\n")
        for line in ended:
            yield b"".join((*begun, line))
            begun = []
        begun.append(rest)


def event_in(line: bytes) -> dict[str, Any] | None:
    """The event in a line of a stream."""
    return json.loads(line.removeprefix(b"data:")) if line.startswith(b"data:") else None


def events_of(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A whole message as the stream that it would have been."""
    yield {"type": "message_start", "message": message}
    for block in message["content"]:
        yield {"type": "content_block_start", "content_block": block}
        yield {"type": "content_block_stop"}
    yield {"type": "message_delta", "delta": {"stop_reason": message["stop_reason"]}}
    yield {"type": "message_stop"}
