"""Waits until the services of a Swarm run as they were last declared: a hook of the program, which Pulumi runs."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import pulumi

from ops.commands import OperationError
from ops.engine import Engine
from rules.docker import EngineError
from rules.settings import Settings
from rules.tasks import as_declared
from rules.waiting import POLL_SECONDS

Hook = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]
SECONDS = 900
"""Nodes pull images first, and tasks follow one after the other."""
START_SECONDS = 180
"""What one task more may take, from its start until it is healthy."""
WENT_BACK = ("rollback_started", "rollback_completed", "rollback_paused", "paused")
SHOWN = re.compile(r"\d+/(?P<wanted>\d+)")
"""How ``docker service ls`` counts tasks: those that run, and those that should."""

Task = Mapping[str, Any]


def converger(label: str, settings: Settings) -> Callable[[pulumi.Output[Mapping[str, str]]], Hook]:
    """Returns what makes the hook of the services with the given ids by role."""

    def waiter(ids: pulumi.Output[Mapping[str, str]]) -> Hook:
        async def hook(_: pulumi.ResourceHookArgs) -> None:
            known = await ids.future() or {}
            engine = Engine(settings.docker_host, settings.docker_cert_path)
            seconds = SECONDS + settings.replicas * START_SECONDS
            await asyncio.to_thread(converge, engine, list(known.values()), seconds, label)

        return hook

    return waiter


def converge(engine: Engine, ids: Iterable[str], seconds: float, label: str) -> None:
    """Waits for all services.

    Raises:
        RuntimeError: when one went back to what it was, or is not there after ``seconds``; with what its tasks say.
    """
    left, end = list(ids), time.monotonic() + seconds
    try:
        while left := [one for one in left if not _done(engine, one)]:
            if time.monotonic() >= end:
                first, *_ = left
                raise RuntimeError(_sentence(engine, first, f"does not run as declared after {seconds:.0f} s", label))
            time.sleep(POLL_SECONDS)
    except (EngineError, OperationError) as error:
        raise RuntimeError(f"the services could not be watched: {error}") from None


def _done(engine: Engine, identifier: str) -> bool:
    for service in engine.inspect("service", [identifier]):
        status = (service.get("UpdateStatus") or {}).get("State")
        if status in WENT_BACK:
            raise RuntimeError(_sentence(engine, identifier, "did not start as declared, and went back", ""))
        tasks = [task for task in engine.tasks([identifier]) if task.get("DesiredState") == "running"]
        # Right after a change the status does not say yet that it is under way.
        alike = all(as_declared(task, service, as_often=True) for task in tasks)
        return status in (None, "completed") and alike and _all_there(engine, identifier, tasks)
    raise RuntimeError(f"the service {identifier} is gone")


def _all_there(engine: Engine, identifier: str, tasks: Iterable[Task]) -> bool:
    """Whether as many tasks run as should; of a service that is on every node the Swarm knows how many that are.

    Its own count of those that run has the ones of a lost node, which it takes for running until a day has passed.
    """
    shown = engine.run("service", "ls", "--filter", f"id={identifier}", "--format", "{{.Replicas}}").stdout
    counted = SHOWN.match(shown)
    wanted = counted["wanted"] if counted else "1"
    return str(sum(task["Status"]["State"] == "running" for task in tasks)) == wanted


def _sentence(engine: Engine, identifier: str, problem: str, label: str) -> str:
    name = engine.run("service", "inspect", "--format", "{{.Spec.Name}}", identifier, check=False).stdout.strip()
    shown = engine.run("service", "ps", "--no-trunc", "--format", "{{.Error}}", identifier, check=False).stdout
    said = next((line for line in shown.splitlines() if line.strip()), "nothing")
    more = f"{engine.typed} service logs {name or label}"
    return f"the service {name or identifier} {problem}; its tasks say: {said}. See: {more}"
