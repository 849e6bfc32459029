"""A bounded pool of CLI processes, some of them started ahead of the requests that will need them.

`limit` processes exist at most, idle ones included. A request takes an idle process, or one that is about to be, or
starts one, or waits its turn (first come, first served) for up to `queue_seconds`; a full queue, or too long a wait, is
a 429 with retry-after.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from claude_gateway.claude.errors import ClaudeError
from claude_gateway.claude.process import CliProcess

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

MAX_IDLE_SECONDS = 900.0
QUEUE_PER_PROCESS = 4  # waiting requests for each process that may exist
BUSY_RETRY_SECONDS = 2
FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 0.5, 30.0
CHECK_SECONDS = 5.0
REFILL_SECONDS = 0.05

Spawn = Callable[[], Awaitable[CliProcess]]
Ticket = asyncio.Future["CliProcess | None"]  # a process, or None for the permission to start one


class Pool:
    """Hands out processes; each is used once, then killed and replaced in the background."""

    def __init__(
        self, spawn: Spawn, model: str, *, warm: int, limit: int, queue_seconds: float, credentials: Path | None = None
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._spawn = spawn
        self._model = model  # what processes are made ready for: the last one that was asked for
        self._warm, self._limit, self._queue_seconds = warm, limit, queue_seconds
        self._credentials = credentials
        self._idle: deque[CliProcess] = deque()
        self._live = 0
        self._warming = 0
        self._queue: deque[Ticket] = deque()
        self._wanted = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._filler: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def live(self) -> int:
        """Processes that exist or are being started or reaped."""
        return self._live

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def start(self) -> None:
        """Begin to keep `warm` processes ready. Needs a running loop."""
        if self._filler is None:
            self._wanted.set()
            self._filler = asyncio.get_running_loop().create_task(self._keep_warm())

    async def acquire(self) -> CliProcess:
        """A process for one request; give it back with `release`. Raises ClaudeError(429) without one in time."""
        self.start()
        if not self._queue:
            process = self._take_idle()
            if process is not None:
                self.counts["warm"] += 1
                return process
        # One that is booting is there sooner than one that would only be started now.
        booting = self._warming if self._queue_seconds > 0 else 0
        if len(self._queue) >= booting and self._live < self._limit:
            self._live += 1
            return await self._start_cold()
        return await self._wait()

    def refill(self, model: str) -> None:
        """Replace what was taken, in a moment, with a process for the same model.

        Not done by `acquire`: a start takes a core for half a second, which the request that has just begun needs
        itself. Its conversation calls this at the first piece of the answer, which goes out first: the start itself
        holds up this process's loop for 20 ms.
        """
        self._model = model
        asyncio.get_running_loop().call_later(REFILL_SECONDS, self._wanted.set)

    def release(self, process: CliProcess) -> None:
        """Kill the process now, synchronously: a cancelled request cannot skip it. It is reaped in the background."""
        process.transport.kill()
        task = asyncio.get_running_loop().create_task(self._reap(process))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def close(self) -> None:
        """Kill what is idle and stop refilling."""
        self._closed = True
        if self._filler is not None:
            self._filler.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._filler  # it may be in the middle of a start, which it has to undo
        while self._idle:
            self.release(self._idle.popleft())
        await asyncio.gather(*self._background, return_exceptions=True)

    def _take_idle(self) -> CliProcess | None:
        while self._idle:
            process = self._idle.popleft()
            if self._usable(process):
                return process
            self.counts["discarded"] += 1
            self.release(process)
        return None

    def _usable(self, process: CliProcess) -> bool:
        age = time.monotonic() - process.started_at
        return process.transport.running and age < MAX_IDLE_SECONDS and age <= self._seconds_since_login()

    def _seconds_since_login(self) -> float:
        """A process that was started before the login file changed still holds the old login."""
        try:
            return time.time() - self._credentials.stat().st_mtime if self._credentials else float("inf")
        except OSError:
            return float("inf")

    async def _start_cold(self) -> CliProcess:
        self.counts["cold"] += 1
        try:
            return await self._spawn()
        except BaseException:
            self._live -= 1
            self._serve_queue()
            raise

    async def _wait(self) -> CliProcess:
        if self._queue_seconds <= 0 or len(self._queue) >= QUEUE_PER_PROCESS * self._limit:
            raise self._busy()
        ticket: Ticket = asyncio.get_running_loop().create_future()
        self._queue.append(ticket)
        self.counts["queued"] += 1
        try:
            async with asyncio.timeout(self._queue_seconds):
                process = await ticket
        except TimeoutError:
            self._give_up(ticket)
            raise self._busy() from None
        except BaseException:
            self._give_up(ticket)
            raise
        return process if process is not None else await self._start_cold()

    def _give_up(self, ticket: Ticket) -> None:
        """Leave the queue; what was handed over at the same moment goes to the next in line."""
        if ticket in self._queue:
            self._queue.remove(ticket)
        if ticket.done() and not ticket.cancelled():
            process = ticket.result()
            if process is None:
                self._live -= 1
            else:
                self._idle.appendleft(process)
            self._serve_queue()

    def _busy(self) -> ClaudeError:
        self.counts["refused"] += 1
        return ClaudeError(429, "All Claude processes of the gateway are busy; try again shortly.", BUSY_RETRY_SECONDS)

    def _serve_queue(self) -> None:
        while self._queue:
            process = self._take_idle()
            if process is None and self._live >= self._limit:
                return
            ticket = self._queue.popleft()
            if ticket.done():
                if process is not None:
                    self._idle.appendleft(process)
                continue
            if process is None:
                self._live += 1
            ticket.set_result(process)

    async def _reap(self, process: CliProcess) -> None:
        try:
            await process.transport.close()
        except Exception as error:
            log.warning("reaping a CLI process: %s", type(error).__name__)
        finally:
            self._live -= 1
            self._serve_queue()
            self._wanted.set()

    async def _keep_warm(self) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while not self._closed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), CHECK_SECONDS)
            self._wanted.clear()
            self._discard_unusable()
            while len(self._idle) < self._warm and self._live < self._limit and not self._queue:
                backoff = await self._add_one(backoff)

    def _discard_unusable(self) -> None:
        for process in [process for process in self._idle if not self._usable(process)]:
            self._idle.remove(process)
            self.counts["discarded"] += 1
            self.release(process)

    async def _add_one(self, backoff: float) -> float:
        """Start one idle process; returns the next backoff in seconds."""
        self._live += 1
        self._warming += 1
        try:
            process = await self._booted()
        except Exception as error:
            log.error("cannot start the Claude CLI: %s: %s", type(error).__name__, error)
            self._serve_queue()
            await asyncio.sleep(backoff)
            return min(backoff * 2, LAST_BACKOFF_SECONDS)
        finally:
            self._warming -= 1
        self.counts["prepared"] += 1
        self._idle.append(process)
        self._serve_queue()
        return FIRST_BACKOFF_SECONDS

    async def _booted(self) -> CliProcess:
        """A process that takes a request at once; on failure nothing is left of it."""
        try:
            process = await self._spawn()
        except BaseException:
            self._live -= 1
            raise
        try:
            await process.warm_up(self._model)
        except BaseException:
            self.release(process)
            raise
        return process
