"""CLI processes that exist only in name, and what makes them."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from claude_gateway.claude.pool import Pool
from claude_gateway.claude.process import CliProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class FakeTransport:
    """A process that exists only in name."""

    numbers = itertools.count(1)

    def __init__(self) -> None:
        self.last_words = ""
        self.pid: int | None = next(self.numbers)
        self.running = True
        self.closed = False
        self.boots = True
        self.booted = asyncio.Event()
        self.booted.set()
        self.asked: list[str] = []

    async def start(self) -> None: ...
    async def send(self, line: Mapping[str, Any]) -> None:
        self.asked.append(line["request_id"])

    async def receive(self) -> dict[str, Any] | None:
        """The answer to the last control request, once the process has booted; nothing when it dies before."""
        await self.booted.wait()
        response = {"request_id": self.asked[-1], "subtype": "success"}
        return {"type": "control_response", "response": response} if self.boots else None

    def kill(self) -> None:
        self.running = False

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed = True


class Factory:
    """Makes processes; keeps the highest number that existed at one time."""

    def __init__(self, fail: int = 0) -> None:
        self.made: list[FakeTransport] = []
        self.most = 0
        self.fail = fail

    async def __call__(self) -> CliProcess:
        await asyncio.sleep(0)
        if self.fail:
            self.fail -= 1
            raise OSError("no more processes")
        transport = FakeTransport()
        self.made.append(transport)
        self.most = max(self.most, sum(not made.closed for made in self.made))
        return CliProcess(transport)


class SlowFactory(Factory):
    """Makes processes that have not booted yet."""

    async def __call__(self) -> CliProcess:
        process = await super().__call__()
        self.made[-1].booted.clear()
        return process


def pool_of(factory: Factory, **options: Any) -> Pool:
    return Pool(factory, "claude-sonnet-4-5", **{"warm": 0, "limit": 2, "queue_seconds": 0.3, **options})


def run(test: Callable[[], Any]) -> Any:
    return asyncio.run(asyncio.wait_for(test(), 30))


async def until(what: Callable[[], bool]) -> None:
    while not what():
        await asyncio.sleep(0.005)
