"""A stream that is silent for long is taken for dead by middleboxes and by Claude Code: it gets a sign of life."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from claude_gateway.dialect import Dialect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

SILENT_SECONDS = 15.0
"""Claude Code warns after 20 s; Anthropic's own pings come more often than that."""
PINGS = {
    Dialect.ANTHROPIC: b'event: ping\ndata: {"type": "ping"}\n\n',
    Dialect.OPENAI: b": ping\n\n",  # a comment, which every reader of server-sent events skips (WHATWG HTML, 9.2.6)
}
ENDS_OF_EVENT = (b"\n\n", b"\r\n\r\n")


class Heartbeat:
    """Sends a ping when nothing was sent for a while, never inside an event. `begin` sends the head of the answer."""

    def __init__(
        self, dialect: Dialect, begin: Callable[[], Awaitable[None]], send: Callable[[bytes], Awaitable[None]]
    ) -> None:
        self._ping = PINGS[dialect]
        self._begin = begin
        self._send = send
        self._last = time.monotonic()
        self._sending = False
        self._tail = ENDS_OF_EVENT[0]  # of all pieces: an event's end may come in two of them

    async def sent(self, piece: bytes) -> None:
        """Send a piece of the stream."""
        self._sending = True
        await self._send(piece)
        self._sending = False
        self._last = time.monotonic()
        self._tail = (self._tail + piece)[-4:]

    @contextlib.asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(max(0.01, self._last + SILENT_SECONDS - time.monotonic()))
            if time.monotonic() - self._last < SILENT_SECONDS:
                continue
            self._last = time.monotonic()
            if self._tail.endswith(ENDS_OF_EVENT) and not self._sending:  # a reader that pauses needs no sign of life
                await self._begin()
                await self._send(self._ping)
