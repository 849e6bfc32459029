"""A pool that keeps some processes ready for requests to come."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from claude_gateway.cli.pool import Pool
from claude_gateway.cli.process import UnfitError
from claude_gateway.config.process_reuse import ProcessReuse

log = logging.getLogger(__name__)

FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 0.5, 30.0
CHECK_SECONDS = 5.0


class WarmPool(Pool):
    """A pool with at least `warm` processes, from `start` to `close`."""

    _filler: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to keep processes ready. Needs a running loop."""
        if self._filler is None:
            self._filler = asyncio.get_running_loop().create_task(self._keep_warm())

    async def close(self) -> None:
        """Kill all processes, and delete what they wrote."""
        if self._filler is not None:
            self._filler.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._filler
        await self._end_all()

    async def _keep_warm(self) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            for process in [process for process in self._idle if not process.usable]:
                self._discard(process)
            while self._too_few():
                backoff = await self._add_one(backoff)
            self._wanted.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), CHECK_SECONDS)

    def _too_few(self) -> bool:
        """Processes that serve once are made ready only while nothing runs: a start takes half a second of one core."""
        quiet = self.live == len(self._idle)
        return (
            not self._queue and self.live < self._config.warm and (quiet or self._config.reuse is not ProcessReuse.OFF)
        )

    async def _add_one(self, backoff: float) -> float:
        """Start one idle process; returns the next backoff in seconds."""
        self.live += 1
        process = self._make()
        self._all.add(process)
        self._coming.add(process)
        try:
            await process.boot()
        except UnfitError as error:
            self._failed(process, error)
            await asyncio.sleep(backoff)
            return min(backoff * 2, LAST_BACKOFF_SECONDS)
        except BaseException:
            self._retire(process)
            raise
        else:
            self.counts["prepared"] += 1
            self._put(process)
            return FIRST_BACKOFF_SECONDS
        finally:
            self._coming.discard(process)
            self._serve()
