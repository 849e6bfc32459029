"""An update of a stack as ``make up`` does it, with the repair and the checks around it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from ops.commands import OperationError
from rules.docker import EngineError
from rules.waiting import POLL_SECONDS

UP = Path("ops/up.sh")
ROTATING = "LITELLM_CLAUDE_ROTATING"
"""Tells ops/up.sh that what a person must do besides, such as renew a certificate, is no failure of this update."""


def bring_up(stack: str, meanwhile: Callable[[], None] = lambda: None) -> bool:
    """Runs the update and returns whether it succeeded; ``meanwhile`` is called twice a second while it runs.

    Ctrl-C reaches pulumi too, which then ends in order; what it left behind is looked at, so this process stays.
    """
    environment = {**os.environ, ROTATING: "1"}
    with subprocess.Popen([str(UP), stack], env=environment) as update:
        handler = signal.signal(signal.SIGINT, lambda *_: None)  # not SIG_IGN: a child would inherit it
        try:
            while True:
                try:
                    return update.wait(POLL_SECONDS) == 0
                except subprocess.TimeoutExpired:
                    with contextlib.suppress(OperationError, EngineError):  # the next look is half a second away
                        meanwhile()
        finally:
            signal.signal(signal.SIGINT, handler)
