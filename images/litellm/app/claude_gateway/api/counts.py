"""Where it is counted what clients and sources have asked: in this process, if there is one LiteLLM alone.

api/shared_counts.py counts in one place for several.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
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
    """Counters in memory, by a clock that nobody sets: a replaced container begins anew.

    So an update may give a client one more minute's worth.
    """

    shared: bool | None = None

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # When the minute ends, and what was counted in it; whose minute ends first stands first.
        self._minutes: dict[tuple[str, str, int], tuple[float, int]] = {}
        self._held: Counter[str] = Counter()

    async def hit(self, limit: RateLimitItem, who: str, kind: str, cost: int = 1) -> bool:
        key = (kind, who, limit.amount)
        ends, count = self._minute(key) or (self._clock() + limit.get_expiry(), 0)
        self._minutes[key] = (ends, count + cost)
        return count + cost <= limit.amount

    async def test(self, limit: RateLimitItem, who: str, kind: str) -> bool:
        _, left = await self.window(limit, who, kind)
        return left > 0

    async def window(self, limit: RateLimitItem, who: str, kind: str) -> tuple[float, int]:
        ends, count = self._minute((kind, who, limit.amount)) or (self._clock(), 0)
        return time.time() + ends - self._clock(), max(0, limit.amount - count)

    def _minute(self, key: tuple[str, str, int]) -> tuple[float, int] | None:
        """That of the key; those that have ended are forgotten, whosever they were."""
        now = self._clock()
        while self._minutes and (first := next(iter(self._minutes))) and self._minutes[first][0] <= now:
            del self._minutes[first]
        return self._minutes.get(key)

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
