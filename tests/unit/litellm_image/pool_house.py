"""Processes that exist in name alone, for tests of the pool."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from tests.unit.litellm_image.claude_cli import message, until

from claude_gateway.cli import CliConfig
from claude_gateway.cli.process import UnfitError
from claude_gateway.cli.request import cli_request
from claude_gateway.cli.warm import WarmPool

if TYPE_CHECKING:
    from pathlib import Path

    from claude_gateway.cli.process import CliProcess


REQUEST = cli_request(message(system="the same"))


class FakeProcess:
    """A process that exists only in name, and is its own channel."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.channel = self
        self.owner: str | None = None
        self.idle_since = 0.0
        self.running = self.usable = True
        self.closed = False
        self.system: str | None = None
        self.wipes = 0

    async def boot(self, system: str | None = None) -> None:
        await self.house.boots.wait()
        if self.house.broken:
            self.house.broken -= 1
            raise UnfitError("broken")
        self.system = system

    def suits(self, request: Any) -> bool:
        return self.usable and self.running and not request.needs_own_process

    def holds(self, system: str) -> bool:
        return self.system == system

    async def wipe(self) -> None:
        await self.house.wipes.wait()
        if self.system and self.system.endswith(" "):
            raise UnfitError("it has served")
        self.wipes += 1

    def kill(self) -> None:
        self.running = False

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed = True


class House:
    """Makes processes and remembers them."""

    def __init__(self, **options: Any) -> None:
        self.made: list[FakeProcess] = []
        self.most = self.broken = 0
        self.boots, self.wipes = asyncio.Event(), asyncio.Event()
        self.boots.set()
        self.wipes.set()
        given: dict[str, Any] = {"limit": 2, "warm": 0, "queue_seconds": 10, **options}
        nowhere = cast("Path", None)
        self.pool = WarmPool(CliConfig(config_dir=nowhere, scratch=nowhere, cli=nowhere, **given), self.make)

    def make(self) -> CliProcess:
        self.made.append(FakeProcess(self))
        self.most = max(self.most, sum(not made.closed for made in self.made))
        return cast("CliProcess", self.made[-1])

    async def get(self, owner: str = "a", request: Any = REQUEST) -> CliProcess:
        return await self.pool.acquire(request, owner)

    def ask(self, owner: str = "a", request: Any = REQUEST) -> asyncio.Task[CliProcess]:
        return asyncio.create_task(self.get(owner, request))

    async def serve(self, owner: str = "a", request: Any = REQUEST) -> CliProcess:
        process = await self.get(owner, request)
        self.pool.give_back(process)
        await until(lambda: not self.pool._coming)
        return process
