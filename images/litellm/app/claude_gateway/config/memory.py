"""The container's memory, added up: what it needs at rest, its CLI processes, and the request bodies in flight."""

from __future__ import annotations

MIB = 1024 * 1024
USED_SHARE = 0.8
"""Of the memory limit: the rest is for what no sum foresees."""
AT_REST_MIB = 420
"""LiteLLM imported, and warmed up (`make bench-soak` prints it)."""
PROCESS_MIB = 400
"""One reused CLI process at the end of its life (`make bench-soak`)."""
COPIES = 6
"""How many times a body's bytes may exist while it is read, parsed, translated and sent."""


def body_budget(memory_mib: int, processes: int) -> int:
    """Bytes that all request bodies in flight may have together."""
    left = memory_mib * USED_SHARE - AT_REST_MIB - processes * PROCESS_MIB
    return int(max(0, left) * MIB / COPIES)


def fault(memory_mib: int, processes: int, max_request_bytes: int) -> str | None:
    """What is wrong with the sum, if anything: one request of the largest size must fit in."""
    if body_budget(memory_mib, processes) >= max_request_bytes:
        return None
    needed = (AT_REST_MIB + processes * PROCESS_MIB + max_request_bytes * COPIES / MIB) / USED_SHARE
    cli = f", {processes} CLI processes of {PROCESS_MIB} MiB (claudeMaxConcurrency)" if processes else ""
    return (
        f"the memory limit of {memory_mib} MiB is too small for {AT_REST_MIB} MiB at rest{cli} and a request of "
        f"{max_request_bytes // MIB} MiB (maxRequestMib), which is held {COPIES} times: "
        f"set litellmMemoryMib to {int(needed) + 1} or more, or lower the others"
    )
