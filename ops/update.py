"""An update of a stack as ``make up`` does it, with the repair and the checks around it."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from ops.state import State, role_of
from rules.waiting import POLL_SECONDS

UP = Path("setup/up.sh")
ROLE = "litellm"
ROTATING = "LITELLM_CLAUDE_ROTATING"
"""Tells setup/up.sh that what a person must do besides, such as renew a certificate, is no failure of this update."""


def bring_up(stack: str, meanwhile: Callable[[], None] = lambda: None) -> bool:
    """Runs the update and returns whether it succeeded; ``meanwhile`` is called twice a second while it runs.

    Ctrl-C reaches pulumi too, which then ends in order; what it left behind is looked at, so this process stays.
    """
    environment = {**os.environ, ROTATING: "1"}
    with subprocess.Popen([str(UP), stack], env=environment) as update:  # noqa: S603 - no shell
        handler = signal.signal(signal.SIGINT, lambda *_: None)  # not SIG_IGN: a child would inherit it
        try:
            while True:
                try:
                    return update.wait(POLL_SECONDS) == 0
                except subprocess.TimeoutExpired:
                    meanwhile()
        finally:
            signal.signal(signal.SIGINT, handler)


class Cutover:
    """Ends all LiteLLM containers of before as soon as a new one is healthy, with whatever they are doing.

    Without it they would accept their old key for the three seconds in which the gateway turns away, and their streams
    would go on for ``drainSeconds``.
    """

    def __init__(self, state: State) -> None:
        self._engine = state.engine()
        self._label = state.label or ""
        self._old = {container.id for container in self._engine.containers(self._label, ROLE)}
        self._old |= {resource["id"] for resource in state.containers() if role_of(resource) == ROLE}

    def __call__(self) -> None:
        """Looks, and ends the old containers when a new one is healthy."""
        there = self._engine.containers(self._label, ROLE)
        if any(container.healthy for container in there if container.id not in self._old):
            for container in there:
                if container.id in self._old and container.running:
                    self._engine.kill(container.id)

    def still_serving(self) -> list[str]:
        """Returns the names of the old containers that run nevertheless."""
        there = self._engine.containers(self._label, ROLE)
        return [container.name for container in there if container.id in self._old and container.running]

    def how_to_end(self, left: list[str]) -> str:
        """What to type about those."""
        return f"Run: docker kill {' '.join(left)}"
