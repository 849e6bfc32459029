"""Anthropic's own error in a stream that has begun: its words go the way of those in place of an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_gateway.errors import Failure
from claude_gateway.upstream.refusals import no_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

MARKS = (b"event: error", b"event:error")
LINE = re.compile(b"^(" + b"|".join(MARKS) + rb")\b", re.MULTILINE)
DATA = re.compile(rb"^data: ?(.*)$", re.MULTILINE)
LONGEST = 64 * 1024


async def raised(pieces: AsyncIterator[bytes], headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    """The bytes as they come, but for a line's beginning that may become the mark. Raises Failure for an error."""
    held, new_line = b"", True
    async for given in pieces:
        piece = held + given
        found = next((one for one in LINE.finditer(piece) if one.start() or new_line), None)
        if found is not None:
            if found.start():
                yield piece[: found.start()]
            raise await _failure(piece[found.start() :], pieces, headers)
        before, newline, begun = piece.rpartition(b"\n")
        held = begun if begun and (newline or new_line) and any(mark.startswith(begun) for mark in MARKS) else b""
        if sent := before + newline if held else piece:
            yield sent
            new_line = sent.endswith(b"\n")
    if held:
        yield held


async def _failure(event: bytes, pieces: AsyncIterator[bytes], headers: Mapping[str, str]) -> Failure:
    """What the client is told; of a stream that is cut, as far as it goes."""
    try:
        async for piece in pieces:
            event += piece
            if len(event) > LONGEST:
                break
    except Failure:
        pass
    said = DATA.search(event)
    return no_answer(headers, said[1] if said else b"")
