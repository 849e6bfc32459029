"""What a benchmark judges: each promise, whether it holds, and the figures."""

from __future__ import annotations

Promise = tuple[bool, str]


def told(promises: list[Promise]) -> int:
    """Prints them, and returns the exit status: 1 when one does not hold, or there is none."""
    for holds, text in promises:
        print(f"{'holds' if holds else 'MISSED'}: {text}")
    if not promises:
        print("MISSED: nothing was measured")
    return 0 if promises and all(holds for holds, _ in promises) else 1
