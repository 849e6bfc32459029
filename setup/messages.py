"""Lines to the operator, each with what says it before it."""

import sys
from collections.abc import Callable


def sayer(who: str) -> Callable[[str], None]:
    """Returns what says a line on the error channel, which leaves the other one to results."""

    def say(text: str) -> None:
        sys.stderr.write(f"{who}: {text}\n")

    return say
