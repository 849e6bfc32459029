"""A bounded pool of CLI processes, each for many requests, one after another.

`limit` processes exist at most, idle ones included. A request takes an idle process that suits it, or one that is about
to be, or starts one, or waits its turn for up to `queue_seconds`; too long a wait, or a full queue for whoever has
most in it, is a 429 with retry-after. Whose process has been idle longest makes room for who has none.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from claude_gateway.cli.errors import UpstreamError
from claude_gateway.cli.process import CliProcess, UnfitError
from claude_gateway.cli.waiting import Queue, Waiting
from claude_gateway.config.process_reuse import ProcessReuse

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from claude_gateway.cli.environment import CliConfig
    from claude_gateway.cli.request import CliRequest

log = logging.getLogger(__name__)

QUEUE_PER_PROCESS = 4  # waiting requests for each process that may exist
BUSY_RETRY_SECONDS = 2
ROOM_SECONDS = 1.0  # how long a process may take to make room for another, also where nobody is to wait
LONG_SECONDS = 3.0  # so long idle, a process makes room for any client's
PATIENCE_SECONDS = 1.0  # for so long others may overtake who is first in the queue, with a process that suits them
BUSY = "All Claude processes of the gateway are busy; try again shortly."
NO_START = "The gateway cannot start the Claude CLI: the operator must look at it (make logs)."


class Pool:
    """Hands out processes that are ready for a request, and takes them back."""

    def __init__(self, config: CliConfig, make: Callable[[], CliProcess]) -> None:
        self.counts: Counter[str] = Counter()
        self._config, self._make = config, make
        self._idle: list[CliProcess] = []  # the longest idle first
        self._coming: set[CliProcess] = set()  # idle in a moment: being wiped, or started for nobody yet
        self._all: set[CliProcess] = set()
        self.live = 0  # processes that exist, or are being started or reaped
        self._ending = 0
        self._queue = Queue()
        self._background: set[asyncio.Task[None]] = set()
        self._wanted = asyncio.Event()

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def acquire(self, request: CliRequest, owner: str) -> CliProcess:
        """A process for this request; give it back. Raises UpstreamError: 429 without one in time, 502 if it fails."""
        waiting = Waiting(request, owner, asyncio.get_running_loop().create_future())
        self._queue.add(waiting)
        self._serve()
        if not waiting.ticket.done():
            self._refuse_or_queue(waiting)
        try:
            async with asyncio.timeout(max(self._config.queue_seconds, ROOM_SECONDS)):
                process = await asyncio.shield(waiting.ticket)
        except TimeoutError:
            self._give_up(waiting)
            raise self._busy() from None
        except BaseException:
            self._give_up(waiting)
            raise
        self.counts["started" if process is None else "reused"] += 1
        if process is None:
            return await self._started(owner, request.system if request.needs_own_process else None)
        process.owner = owner
        return process

    def give_back(self, process: CliProcess) -> None:
        """In the background, so that neither a client that left nor one that has its answer waits for it."""
        if self._config.reuse is ProcessReuse.OFF or not process.channel.running:
            self._retire(process)
        else:
            self._coming.add(process)
            self._spawn(self._wipe(process))

    def _refuse_or_queue(self, waiting: Waiting) -> None:
        if not (self._config.queue_seconds > 0 or self._ending or self._coming):
            self._queue.remove(waiting)
            raise self._busy()
        self.counts["queued"] += 1
        if len(self._queue) > QUEUE_PER_PROCESS * self._config.limit:
            refused = self._queue.longest
            self.counts["queued"] -= refused is waiting
            self._queue.remove(refused)
            refused.ticket.set_exception(self._busy())

    def _busy(self) -> UpstreamError:
        self.counts["refused"] += 1
        return UpstreamError(429, BUSY, BUSY_RETRY_SECONDS)

    def _give_up(self, waiting: Waiting) -> None:
        """Leave the queue; what was handed over at the same moment goes to the next in line."""
        if waiting in self._queue:
            self._queue.remove(waiting)
            return
        if waiting.ticket.exception() is not None:
            return
        process = waiting.ticket.result()
        if process is None:
            self.live -= 1
        else:
            self._put(process)
        self._serve()

    def _serve(self) -> None:
        """Give those who wait, in their turns, a process that suits; then the permission to start one."""
        for waiting in self._queue:
            if waiting is not self._queue.first and self._overdue(self._queue.first):
                break
            if process := self._take(waiting):
                self._grant(waiting, process)
        for place, waiting in enumerate(self._queue):
            if place < self._coming_for(waiting):
                continue
            if self.live < self._config.limit:
                self.live += 1
                self._grant(waiting, None)
                continue
            if self._ending:
                return
            if process := self._spare(waiting.owner):
                self._discard(process)

    def _grant(self, waiting: Waiting, process: CliProcess | None) -> None:
        self._queue.serve(waiting)
        waiting.ticket.set_result(process)

    def _take(self, waiting: Waiting) -> CliProcess | None:
        """The idle process that suits best: the client's own, that knows the system text; else one of nobody's."""
        request, owner = waiting.request, waiting.owner
        suiting = [one for one in self._idle if one.owner in (None, owner) and one.suits(request)]
        if not suiting:
            return None
        best = max(suiting, key=lambda process: (process.owner is not None, process.holds(request.system)))
        self._idle.remove(best)
        return best

    def _coming_for(self, waiting: Waiting) -> int:
        """How many processes will be idle for this client sooner than one that would only be started now."""
        if waiting.request.needs_own_process:
            return 0
        return sum(process.owner in (None, waiting.owner) for process in self._coming)

    def _overdue(self, waiting: Waiting) -> bool:
        return time.monotonic() - waiting.since > PATIENCE_SECONDS and self._has_less_than_its_share(waiting.owner)

    def _has_less_than_its_share(self, owner: str) -> bool:
        owners = {waiting.owner for waiting in self._queue} | {process.owner for process in self._all}
        return sum(process.owner == owner for process in self._all) < max(1, self._config.limit // len(owners))

    def _spare(self, owner: str) -> CliProcess | None:
        """The process that makes room for one of this client's: its own, one that was idle for long, or any.

        Any only while the client has less than its share: it would else cost another client, between two of its
        requests, a process that would have to be started again.
        """
        any_one, long_ago = self._has_less_than_its_share(owner), time.monotonic() - LONG_SECONDS
        return next((one for one in self._idle if any_one or one.owner == owner or one.idle_since < long_ago), None)

    async def _started(self, owner: str, system: str | None) -> CliProcess:
        """A new process, booted; it is counted as live already. Raises UpstreamError(502)."""
        process = self._make()
        process.owner = owner
        self._all.add(process)
        try:
            await process.boot(system)
        except UnfitError as error:
            self._failed(process, error)
            raise UpstreamError(502, NO_START) from error
        except BaseException:
            self._retire(process)
            raise
        return process

    def _failed(self, process: CliProcess, error: UnfitError) -> None:
        log.error("cannot start the Claude CLI: %s", error)
        self.counts["failed"] += 1
        self._retire(process)

    async def _wipe(self, process: CliProcess) -> None:
        try:
            await process.wipe()
            self._put(process)
        except UnfitError as error:
            log.debug("a Claude CLI process ends: %s", error)
        finally:
            self._coming.discard(process)
            if process not in self._idle:  # whatever has befallen it, its place is free again
                self._retire(process)
            self._serve()

    def _put(self, process: CliProcess) -> None:
        process.idle_since = time.monotonic()
        self._idle.append(process)

    def _discard(self, process: CliProcess) -> None:
        self._idle.remove(process)
        self.counts["discarded"] += 1
        self._retire(process)

    def _retire(self, process: CliProcess) -> None:
        """Kill it now, synchronously: a cancelled request cannot skip it. It is reaped in the background."""
        process.channel.kill()
        self._coming.discard(process)
        if process in self._all:
            self._all.remove(process)
            self._ending += 1
            self._spawn(self._reap(process))

    async def _reap(self, process: CliProcess) -> None:
        try:
            await process.channel.close()
        except Exception as error:
            log.warning("reaping a Claude CLI process: %s", type(error).__name__)
        finally:
            self._ending -= 1
            self.live -= 1
            self._wanted.set()
            self._serve()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _end_all(self) -> None:
        self._idle.clear()
        for process in list(self._all):
            self._retire(process)
        while self._background:
            await asyncio.gather(*self._background, return_exceptions=True)
