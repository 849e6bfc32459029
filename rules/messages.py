"""Lines to the operator, each with what says it before it; and results."""

import os
import sys
from collections.abc import Callable


def sayer(who: str) -> Callable[[str], None]:
    """Returns what says a line on the error channel, which leaves the other one to results."""

    def say(text: str) -> None:
        sys.stderr.write(f"{who}: {text}\n")

    return say


def tell(text: str) -> None:
    """Prints a result. Whoever has stopped to read it, such as ``head``, has what it wanted: that is no failure."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
