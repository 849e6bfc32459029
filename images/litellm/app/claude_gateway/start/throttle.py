"""Slows a start down while the machine is busy: the container that it is to replace serves on the same processors.

Starting takes seven seconds of one processor. The engine gives both containers equal shares, whatever their processes'
priorities, so a start that takes all it gets makes the clients of the other one wait on a small machine.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

SLICE = 0.02  # seconds of processor time between two looks, and of sleep when the machine is busy
BUSY = 0.75  # share of the machine's processors, all together
STATISTICS = Path("/proc/stat")
IDLE, IOWAIT = 3, 4  # of the numbers in the line "cpu" (proc(5)); the first eight are all the time there is
ALL = 8


class StartThrottle:
    """Pauses this process between slices of work for as long as the machine is busy; half speed at worst."""

    def __init__(self) -> None:
        self._last = (0, 0)

    def start(self) -> None:
        """Begin, in the main thread."""
        self._last = _times()
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, SLICE, SLICE)

    def stop(self) -> None:
        """End: from now on this process serves, too."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)  # one may be on its way, and the default is to end

    def _look(self, _signal: int, _frame: FrameType | None) -> None:
        now = _times()
        total, idle = now[0] - self._last[0], now[1] - self._last[1]
        if total <= 0:
            return  # the kernel counts in hundredths of a second
        self._last = now
        if 1 - idle / total >= BUSY:
            time.sleep(SLICE)


def _times() -> tuple[int, int]:
    """All and idle time of all processors since the machine started, in the kernel's ticks."""
    with STATISTICS.open(encoding="ascii") as file:
        numbers = [int(word) for word in file.readline().split()[1 : 1 + ALL]]
    return sum(numbers), numbers[IDLE] + numbers[IOWAIT]
