"""What to set so that the containers' limits fit into a machine, and the work into the limits. Pure functions."""

from dataclasses import dataclass
from itertools import takewhile

from rules.container import memory_fault
from rules.sizes import MIB


@dataclass(frozen=True)
class Work:
    """What one LiteLLM container holds: processes of the Claude CLI (none with an API key), and a request."""

    processes: int = 4
    warm: int = 2
    request_mib: int = 32

    def fits(self, memory_mib: int, processes: int) -> bool:
        """Whether a container of this size would start with so many processes."""
        return memory_fault(memory_mib, processes, self.request_mib * MIB) is None


def settings(memory_mib: int, work: Work) -> dict[str, int] | None:
    """Returns the settings with which a container of ``memory_mib`` does what it can; None when that is nothing."""
    if work.fits(memory_mib, work.processes):
        return {"litellmMemoryMib": memory_mib}
    fitting = takewhile(lambda count: work.fits(memory_mib, count), range(1, work.processes))
    if not (fewer := max(fitting, default=0)):
        return None
    warm = {"claudeWarmProcesses": fewer} if work.warm > fewer else {}
    return {**warm, "claudeMaxConcurrency": fewer, "litellmMemoryMib": memory_mib}


def least(work: Work) -> int:
    """Returns the smallest size in MiB with which a container does anything."""
    processes = min(work.processes, 1)
    return next(size for size in range(512, MIB) if work.fits(size, processes))
