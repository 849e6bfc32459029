"""An emergency: LiteLLM with the old key is ended, and whoever rotates is told when none of it runs any more."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ops.engine import Engine
from ops.state import State, role_of
from rules.waiting import POLL_SECONDS

ROLE = "litellm"
SAY_SECONDS = 15
LATE_SECONDS = 10
"""Beyond the time that a task has to end, after which its node's engine kills it, and the manager hears of it."""
NANO = 1e9

Task = Mapping[str, Any]


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
        return f"Run: {self._engine.typed} kill {' '.join(left)}"


class TasksCutover:
    """Sees the LiteLLM tasks of before end, in a Swarm.

    The Swarm takes a task out of the way before it ends it, so that none is asked anything new; what it has begun may
    take ``drainSeconds``, and a manager ends no container of another node. Those on its own are killed.
    """

    def __init__(self, engine: Engine, service: str, say: Callable[[str], object] = lambda _: None) -> None:
        self._engine = engine
        self._service = service
        self._say = say
        self._old = {str(task["ID"]) for task in self._running()}

    def __call__(self) -> None:
        """Looks, and kills what of the old ones is on this node and has been told to end."""
        for task in self._running():
            if task["ID"] in self._old and task.get("DesiredState") != "running":
                self._engine.kill(str((task["Status"].get("ContainerStatus") or {}).get("ContainerID", "")))

    def still_serving(self) -> list[str]:
        """Waits for as long as a task may take to end, and returns which old ones run nevertheless, and where."""
        began = time.monotonic()
        next_word = began + SAY_SECONDS
        while left := [task for task in self._running() if task["ID"] in self._old]:
            now, longest = time.monotonic(), max(map(_grace_seconds, left)) + LATE_SECONDS
            names = [self._name(task) for task in left]
            if now >= began + longest:
                return names
            if now >= next_word:
                self._say(f"waiting for {', '.join(names)} to end what was begun, for {longest:.0f} s at most")
                next_word = now + SAY_SECONDS
            self()
            time.sleep(POLL_SECONDS)
        return []

    def how_to_end(self, left: list[str]) -> str:
        """What to type, or do, about those."""
        nodes = sorted({name.rpartition(" ")[2] for name in left})
        return (
            f"On {', '.join(nodes)}: docker ps --filter name={self._service}, and docker kill with what it prints. "
            "A node that is cut off or does not answer: take its power"
        )

    def _running(self) -> list[Task]:
        return [task for task in self._engine.tasks([self._service]) if task["Status"]["State"] == "running"]

    def _name(self, task: Task) -> str:
        nodes = self._engine.inspect("node", [str(task["NodeID"])])
        node = next((one["Description"]["Hostname"] for one in nodes), "a node")
        return f"{self._service}.{task.get('Slot', '')} on {node}"


def _grace_seconds(task: Task) -> float:
    return float(task["Spec"]["ContainerSpec"].get("StopGracePeriod") or 0) / NANO
