"""How often a source may be wrong about the key in a minute."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_gateway.api.counts import Counts

WINDOW_SECONDS = 60.0
KIND = "failed-keys"
SOURCES = 10_000  # remembered at a time; the one that was silent for longest is forgotten


class FailedKeys:
    """Counts refused keys by source, in windows of a minute. A right key is never refused for what others did.

    With `shared` counts those of all replicas count, and this one's own all the same, should the others be lost.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic, shared: Counts | None = None) -> None:
        self._limit = limit
        self._clock = clock
        self._shared = shared
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()  # source: the window's start, failures

    async def note(self, source: str) -> int:
        """One more failure of `source`; returns in how many seconds it may try again, 0 when it may do so at once."""
        wait = self._noted_here(source)
        if self._shared is None or wait:
            return wait
        limit = RateLimitItemPerMinute(self._limit)
        await self._shared.hit(limit, source, KIND)
        ends, left = await self._shared.window(limit, source, KIND)
        return 0 if left else max(1, round(ends - time.time()))

    def _noted_here(self, source: str) -> int:
        now = self._clock()
        start, count = self._counts.pop(source, (now, 0))
        if now - start >= WINDOW_SECONDS:
            start, count = now, 0
        self._counts[source] = (start, count + 1)
        if len(self._counts) > SOURCES:
            self._counts.popitem(last=False)
        return max(1, round(start + WINDOW_SECONDS - now)) if count >= self._limit else 0
