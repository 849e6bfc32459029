"""As process 1 of its container the server must reap orphaned zombies: processes that nobody else waits for.

The server is process 1 of its container, so that no init keeps the secrets of the container's environment in its own.
What a killed CLI leaves behind becomes its child.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)
SWEEP_SECONDS = 5.0


class OrphanReaper:
    """Reaps zombies that two sweeps in a row have seen; the event loop reaps its own children within milliseconds."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweep every 5 s. Needs a running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def sweep(self) -> int:
        """One look; returns how many were reaped."""
        zombies = set(zombie_children())
        reaped = 0
        for pid in zombies & self._seen:
            try:
                os.waitpid(pid, os.WNOHANG)
                reaped += 1
            except ChildProcessError:
                continue
        self._seen = zombies
        return reaped

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            if reaped := self.sweep():
                log.debug("reaped %d orphans", reaped)


def zombie_children(parent: int | None = None) -> Iterator[int]:
    """The process ids of this process's children (or `parent`'s) that have ended but were not waited for."""
    parent = os.getpid() if parent is None else parent
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            state, its_parent = (folder / "stat").read_bytes().rsplit(b")", 1)[1].split()[:2]
        except (OSError, IndexError):
            continue
        if state == b"Z" and int(its_parent) == parent:
            yield int(folder.name)
