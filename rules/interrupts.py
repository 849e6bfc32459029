"""Ctrl-C, at a program that `make` has started: it ends as a shell script does, without a word and with status 130.

Python's own way is a traceback for as long as nobody catches the interruption, and what a program needs takes a second
to import. A package of programs calls :func:`end_quietly` first of all; a program that has something to put back then
calls :func:`heed`.
"""

import signal
import sys
from types import FrameType

INTERRUPTED = 130
STARTED = "-m"
"""What Python calls a program that it still looks for, and whose packages it imports for that."""


def end_quietly() -> None:
    """Lets an interruption end this process at once, if it has just been started as a program of the calling package.

    Whoever imports the package for something else (tests, Pulumi's program) has a way of its own, and one that was told
    to ignore interruptions (nohup, a script's background) still does.
    """
    if sys.argv[:1] == [STARTED] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def heed() -> None:
    """From now on an interruption is Python's ``KeyboardInterrupt`` again."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def end_in_order() -> None:
    """From now on SIGTERM and a hang-up end this process by ``SystemExit``, so that its temporary folders go.

    For a program alone whose children may be ended at any moment, as ``subprocess.run`` does then.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores one of them
            signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
