"""Where it is counted what clients and sources have asked: in this process, if there is one LiteLLM alone.

api/shared_counts.py counts in one place for several.
"""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from limits import RateLimitItem


class Counts(Protocol):
    """Counters by minute, and places that are held while a request runs; `who` is a client or an address."""

    shared: bool | None
    """Whether all replicas count together at the moment; None where there is one alone."""

    async def hit(self, limit: RateLimitItem, who: str, kind: str, cost: int = 1) -> bool:
        """Count `cost`; whether that is within the limit."""
        ...

    async def test(self, limit: RateLimitItem, who: str, kind: str) -> bool:
        """Whether anything is left."""
        ...

    async def window(self, limit: RateLimitItem, who: str, kind: str) -> tuple[float, int]:
        """When the minute ends (Unix time), and what is left of it."""
        ...

    def place(self, who: str, places: int) -> AbstractAsyncContextManager[bool]:
        """Holds one of so many places; yields whether there was one."""
        ...

    async def keep(self) -> None:
        """Whatever has to be done beside the requests, for as long as there are any."""
        ...


class OwnCounts:
    """Counters of the `limits` package in memory: a replaced container begins anew.

    So an update may give a client one more minute's worth.
    """

    shared: bool | None = None

    def __init__(self) -> None:
        self._windows = FixedWindowRateLimiter(MemoryStorage())
        self._held: Counter[str] = Counter()

    async def hit(self, limit: RateLimitItem, who: str, kind: str, cost: int = 1) -> bool:
        return await self._windows.hit(limit, who, kind, cost=cost)

    async def test(self, limit: RateLimitItem, who: str, kind: str) -> bool:
        return await self._windows.test(limit, who, kind)

    async def window(self, limit: RateLimitItem, who: str, kind: str) -> tuple[float, int]:
        return await self._windows.get_window_stats(limit, who, kind)

    @asynccontextmanager
    async def place(self, who: str, places: int) -> AsyncIterator[bool]:
        if self._held[who] >= places:
            yield False
            return
        self._held[who] += 1
        try:
            yield True
        finally:
            self._held[who] -= 1

    async def keep(self) -> None:
        return
