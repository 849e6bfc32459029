"""The load of the rotation benchmark, a process of its own: `python -m bench.rotation_load`, told what to do on stdin.

Open loop: requests start when they are due, whether earlier ones have been answered or not, and what keeps this program
from its turn counts as their time; an outage is seen in full.
The first line is a JSON object with the fields of `Target` and `key`; from a line `{"key": K}` on, every second request
uses that one; `{"stop": true}` ends the load. Every request is written to stdout at the end, as JSON.
"""

import asyncio
import contextlib
import json
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

RATE = 20.0  # requests a second on new connections, and as many on kept-alive ones
STREAMS = 8
TIMEOUT = 30.0
STREAM_TIMEOUT = 300.0


@dataclass(frozen=True)
class Target:
    """Where to send what. `authority` is the PEM of the CA to trust; "" means plain HTTP.

    `host` is the name that is asked for; `address` is where the connection goes, `host` itself without one.
    """

    host: str
    port: int
    model: str
    authority: str
    stream_seconds: float
    stream_after: float
    address: str = ""


@dataclass
class Sample:
    """One request. Times are in seconds since the epoch; `status` is HTTP's, 0 for a connection that failed."""

    kind: str
    key: int
    started: float
    ended: float = 0.0
    status: int = 0
    complete: bool = False
    error: str = ""


@dataclass
class Connection:
    """An HTTP/1.1 connection, no more of it than the load needs.

    Not httpx: that leaves a kept connection which the server has ended without a word, and here that is a failure; and
    it takes about as much of a processor as what is measured (bench/scale.py, bench/gateways.py).
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, target: Target, key: str, body: bytes) -> tuple[int, bytes, bool]:
        """Status, body, and whether the connection may be used again."""
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: {target.host}\r\nauthorization: Bearer {key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return await self.exchange(head.encode() + body)

    async def exchange(self, request: bytes) -> tuple[int, bytes, bool]:
        """The same for a request as it stands on the wire."""
        self.writer.write(request)
        await self.writer.drain()
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            content = await self._chunks()
        else:
            content = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(first.split(" ")[1]), content, headers.get("connection", "").lower() != "close"

    async def _chunks(self) -> bytes:
        parts = []
        while size := int((await self.reader.readline()).split(b";")[0], 16):
            parts.append(await self.reader.readexactly(size))
            await self.reader.readline()
        await self.reader.readline()
        return b"".join(parts)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.writer.close()


@dataclass
class Load:
    """The whole load. `keys` holds the key of the start, and the new one once it is known."""

    target: Target
    keys: list[str]
    samples: list[Sample] = field(default_factory=list)
    idle: list[Connection] = field(default_factory=list)
    running: bool = True

    def __post_init__(self) -> None:
        self.context = self.context_for("http/1.1") if self.target.authority else None
        self.count = 0

    def context_for(self, protocol: str) -> ssl.SSLContext:
        """TLS that trusts the target's CA alone."""
        context = ssl.create_default_context(cadata=self.target.authority)
        context.set_alpn_protocols([protocol])
        return context

    def slow(self) -> str:
        """What the fake answers with a stream of so many seconds: it sends 60 pieces."""
        return f"FAKE:slow:{self.target.stream_seconds / 60:.2f}"

    async def connect(self) -> Connection:
        name = self.target.host if self.context else None
        return Connection(
            *await asyncio.open_connection(
                self.target.address or self.target.host,
                self.target.port,
                ssl=self.context,
                server_hostname=name,
                limit=1 << 20,
            )
        )

    def body(self, text: str, *, stream: bool) -> bytes:
        messages = [{"role": "user", "content": text}]
        return json.dumps({"model": self.target.model, "messages": messages, "stream": stream}).encode()

    async def note(
        self, kind: str, seconds: float, act: Callable[[str], Awaitable[tuple[int, bool]]], due: float | None = None
    ) -> None:
        """One request; `due`, by the loop's clock, is when it should have started: its time counts from then."""
        self.count += 1
        key = self.count % len(self.keys)
        late = 0.0 if due is None else asyncio.get_running_loop().time() - due
        sample = Sample(kind, key, time.time() - late)
        self.samples.append(sample)
        try:
            async with asyncio.timeout(seconds):
                sample.status, sample.complete = await act(self.keys[key])
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            sample.error = type(error).__name__
        sample.ended = time.time()

    async def fresh(self, key: str) -> tuple[int, bool]:
        connection = await self.connect()
        try:
            status, _, _ = await connection.ask(self.target, key, self.body("hi", stream=False))
        finally:
            connection.close()
        return status, status == 200

    async def kept(self, key: str) -> tuple[int, bool]:
        connection = self.idle.pop() if self.idle else await self.connect()
        try:
            status, _, again = await connection.ask(self.target, key, self.body("hi", stream=False))
        except BaseException:
            connection.close()
            raise
        if again:
            self.idle.append(connection)
        return status, status == 200

    async def stream(self, key: str) -> tuple[int, bool]:
        connection = await self.connect()
        try:
            status, content, _ = await connection.ask(self.target, key, self.body(self.slow(), stream=True))
        finally:
            connection.close()
        return status, status == 200 and content.rstrip().endswith(b"data: [DONE]")

    async def at_rate(
        self, kind: str, act: Callable[[str], Awaitable[tuple[int, bool]]], offset: float, rate: float = RATE
    ) -> None:
        clock, number = asyncio.get_running_loop().time, 0
        begun = clock() + offset
        async with asyncio.TaskGroup() as tasks:
            while self.running:
                due = begun + number / rate
                await asyncio.sleep(due - clock())
                tasks.create_task(self.note(kind, TIMEOUT, act, due))
                number += 1

    async def streams(self) -> None:
        await asyncio.sleep(self.target.stream_after)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(STREAMS):
                tasks.create_task(self.note("stream", STREAM_TIMEOUT, self.stream))

    async def obey(self) -> None:
        while self.running:
            order = json.loads(await asyncio.to_thread(sys.stdin.readline) or '{"stop": true}')
            if "key" in order:
                self.keys.append(order["key"])
            self.running = not order.get("stop")

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.obey())
            tasks.create_task(self.at_rate("fresh", self.fresh, 0.0))
            tasks.create_task(self.at_rate("kept", self.kept, 0.5 / RATE))
            tasks.create_task(self.streams())


def main(kind: type[Load] = Load) -> None:
    """Does what is said on stdin."""
    first: dict[str, Any] = json.loads(sys.stdin.readline())
    load = kind(Target(**first["target"]), [first["key"]])
    asyncio.run(load.run())
    json.dump([asdict(sample) for sample in load.samples], sys.stdout)


if __name__ == "__main__":
    main()
