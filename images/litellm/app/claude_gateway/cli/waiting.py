"""The requests that wait for a CLI process, in an order that is fair to clients: each in turn, not each request."""

from __future__ import annotations

import bisect
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from claude_gateway.cli.process import CliProcess
    from claude_gateway.cli.request import CliRequest


@dataclass(eq=False, slots=True)
class Waiting:
    """A request in the queue. Its ticket gives it a process, or None: the permission to start one."""

    request: CliRequest
    owner: str
    ticket: asyncio.Future[CliProcess | None]
    since: float = field(default_factory=time.monotonic)
    turn: int = 0


class Queue:
    """Who waits. A client's second request comes after the first one of every other; of one turn the oldest is first.

    So whoever asks for much at once waits for itself, and keeps nobody out.
    """

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._turn = 0  # of whoever was served last; who comes now comes after it

    def __iter__(self) -> Iterator[Waiting]:
        """Whose turn it is first, as they are at this moment."""
        return iter(self._waiting.copy())

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, waiting: Waiting) -> bool:
        return waiting in self._waiting

    @property
    def first(self) -> Waiting:
        """Whose turn it is."""
        return self._waiting[0]

    @property
    def longest(self) -> Waiting:
        """The last request of whoever has most in the queue; of several, the last of all."""
        numbers = Counter(waiting.owner for waiting in self._waiting)
        return max(reversed(self._waiting), key=lambda waiting: numbers[waiting.owner])

    def add(self, waiting: Waiting) -> None:
        own = (other.turn for other in self._waiting if other.owner == waiting.owner)
        waiting.turn = max(self._turn, *own, 0) + 1
        bisect.insort(self._waiting, waiting, key=lambda one: one.turn)

    def remove(self, waiting: Waiting) -> None:
        """It is served, or leaves."""
        self._waiting.remove(waiting)

    def serve(self, waiting: Waiting) -> None:
        """It is its turn."""
        self._turn = max(self._turn, waiting.turn)
        self.remove(waiting)
