"""How often a source may be wrong about the key in a minute."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_SECONDS = 60.0
SOURCES = 10_000  # remembered at a time; the one that was silent for longest is forgotten


class FailedKeys:
    """Counts refused keys by source, in windows of a minute. A right key is never refused for what others did."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()  # source: the window's start, failures

    def note(self, source: str) -> int:
        """One more failure of `source`; returns in how many seconds it may try again, 0 when it may do so at once."""
        now = self._clock()
        start, count = self._counts.pop(source, (now, 0))
        if now - start >= WINDOW_SECONDS:
            start, count = now, 0
        self._counts[source] = (start, count + 1)
        if len(self._counts) > SOURCES:
            self._counts.popitem(last=False)
        return max(1, round(start + WINDOW_SECONDS - now)) if count >= self._limit else 0
