"""How the program waits for what somebody else brings about."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.5


def until(done: Callable[[], object], seconds: float) -> bool:
    """Asks again and again; returns whether the answer was yes within ``seconds``, at whose end it asks a last time."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() >= end:
            return False
        time.sleep(POLL_SECONDS)
    return True
