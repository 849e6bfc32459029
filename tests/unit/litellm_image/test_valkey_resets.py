"""A Valkey whose connections break, in the event loop that serves in the container."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute

from claude_gateway.api import shared_counts
from claude_gateway.api.shared_counts import SharedCounts, valkey_at

if TYPE_CHECKING:
    import pytest

ROUNDS, AT_A_TIME = 100, 6
MANY = RateLimitItemPerMinute(100_000)
ANSWERS = {b"EVALSHA": b":1\r\n", b"PING": b"+PONG\r\n"}


class Valkey:
    """Says yes to all, until it resets its connections."""

    def __init__(self) -> None:
        self._open: set[asyncio.StreamWriter] = set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                words = []
                for _ in range(int(line[1:])):
                    length = int((await reader.readline())[1:])
                    words.append((await reader.readexactly(length + 2))[:-2])
                writer.write(ANSWERS.get(words[0].upper(), b"+OK\r\n"))

    def reset(self) -> None:
        while self._open:
            writer = self._open.pop()
            with contextlib.suppress(OSError):
                at_once = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            writer.transport.abort()


async def test_a_connection_that_breaks_costs_no_request_and_ends_no_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvloop has an error of its own for a connection that it has closed: RuntimeError."""

    valkey, lost = Valkey(), 0
    server = await asyncio.start_server(valkey, "127.0.0.1", 0)
    monkeypatch.setattr(shared_counts, "PORT", server.sockets[0].getsockname()[1])
    counts = SharedCounts(lambda _: valkey_at("127.0.0.1", "any"))

    async def breaking() -> None:
        for _ in range(ROUNDS):
            await asyncio.sleep(0.001)
            valkey.reset()

    breaks = asyncio.create_task(breaking())
    while not breaks.done():
        await asyncio.gather(counts._look(), *(counts.hit(MANY, "alice", "requests") for _ in range(AT_A_TIME)))
        lost += not counts.shared
        counts.shared = True
    await counts._store.pool.disconnect()
    server.close()
    assert lost > 0
