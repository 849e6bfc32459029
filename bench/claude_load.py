"""A light load generator for streamed chat completions: time to first token and total time, in seconds."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from statistics import quantiles
from urllib.parse import urlsplit

FIRST_TEXT = b'"content":"'
REQUEST_SECONDS = 60


@dataclass(frozen=True)
class Sample:
    """One request. `first` and `total` are seconds since it was sent; status 0 means that the connection failed."""

    status: int
    first: float
    total: float

    @property
    def good(self) -> bool:
        return self.status == 200 and self.first > 0


@dataclass(frozen=True)
class Target:
    """A gateway to load."""

    name: str
    url: str
    key: str


def request_bytes(target: Target) -> bytes:
    address = urlsplit(target.url)
    body = json.dumps({"model": "sonnet", "stream": True, "messages": [{"role": "user", "content": "hello"}]}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {address.hostname}\r\nAuthorization: Bearer {target.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


async def one(target: Target) -> Sample:
    """Send one request on a connection of its own and read its stream to the end."""
    address = urlsplit(target.url)
    sent = time.perf_counter()
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(request_bytes(target))
            status = int((await reader.readline()).split()[1])
            first, done, tail = 0.0, False, b""
            while data := await reader.read(65536):
                tail += data
                if not first and FIRST_TEXT in tail:
                    first = time.perf_counter() - sent
                done = done or b"[DONE]" in tail
            writer.close()
    except (OSError, TimeoutError, IndexError, ValueError):
        return Sample(0, 0.0, time.perf_counter() - sent)
    return Sample(status if done or status != 200 else 0, first, time.perf_counter() - sent)


async def at_rate(target: Target, count: int, per_second: float) -> list[Sample]:
    """Open loop: a request every 1/`per_second` seconds, whatever the others do."""
    tasks = []
    for _ in range(count):
        tasks.append(asyncio.create_task(one(target)))
        await asyncio.sleep(1 / per_second)
    return list(await asyncio.gather(*tasks))


async def concurrently(target: Target, count: int, workers: int) -> list[Sample]:
    """Closed loop: `workers` requests at any time."""
    left = iter(range(count))

    async def work() -> list[Sample]:
        return [await one(target) for _ in left]

    return [sample for samples in await asyncio.gather(*(work() for _ in range(workers))) for sample in samples]


async def in_bursts(target: Target, size: int, bursts: int, pause: float) -> list[Sample]:
    """`size` requests at one moment, then `pause` seconds in which a pool can refill."""
    samples: list[Sample] = []
    for _ in range(bursts):
        samples += await asyncio.gather(*(one(target) for _ in range(size)))
        await asyncio.sleep(pause)
    return samples


def percentile(values: list[float], percent: int) -> float:
    """The `percent`-th percentile; NaN without values."""
    if len(values) < 2:
        return values[0] if values else float("nan")
    return quantiles(values, n=100, method="inclusive")[percent - 1]
