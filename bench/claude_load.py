"""A light load of streamed chat completions: time to first token and total time, in seconds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from statistics import quantiles

import httpx

BODY = {"model": "sonnet", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
FIRST_TEXT = '"content":"word'


@dataclass(frozen=True)
class Sample:
    """One request. `first` and `total` are seconds since it was sent; status 0 means that the answer broke off."""

    status: int
    first: float
    total: float

    @property
    def good(self) -> bool:
        return self.status == 200 and self.first > 0


def client(url: str, key: str) -> httpx.AsyncClient:
    """For one gateway; any number of requests at a time."""
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60, limits=limits)


async def one(http: httpx.AsyncClient) -> Sample:
    """Send one request and read its stream to the end."""
    sent = time.perf_counter()
    status, first, done = 0, 0.0, False
    try:
        async with http.stream("POST", "/v1/chat/completions", json=BODY) as answer:
            status = answer.status_code
            async for line in answer.aiter_lines():
                if not first and FIRST_TEXT in line.replace(" ", ""):
                    first = time.perf_counter() - sent
                done = done or line == "data: [DONE]"
    except httpx.HTTPError:
        return Sample(0, 0.0, time.perf_counter() - sent)
    return Sample(status if done or status != 200 else 0, first, time.perf_counter() - sent)


async def leave(http: httpx.AsyncClient) -> bool:
    """Ask, and go away as soon as the answer begins; whether one began."""
    async with http.stream("POST", "/v1/chat/completions", json=BODY) as answer:
        async for _ in answer.aiter_lines():
            return answer.status_code == 200
    return False


@dataclass
class Load:
    """What so many requests at a time took."""

    samples: list[Sample] = field(default_factory=list)
    seconds: float = 0.0

    async def run(self, http: httpx.AsyncClient, count: int, at_a_time: int) -> None:
        """`count` requests more, `at_a_time` of them at any time."""
        left = iter(range(count))

        async def work() -> None:
            for _ in left:
                self.samples.append(await one(http))

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(at_a_time)))
        self.seconds += time.perf_counter() - began

    @property
    def good(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.good]

    @property
    def rate(self) -> float:
        """Requests that were answered, a second."""
        return len(self.good) / self.seconds

    def first(self, percent: int) -> float:
        """Time to first token at this percentile."""
        return quantiles([sample.first for sample in self.good], n=100, method="inclusive")[percent - 1]
