"""What an update does with the containers that it has replaced: hooks of the program, which Pulumi runs on the way.

Replaced containers stand beside the new ones until the new ones have passed the check. Then all of them are told
at once to take nothing new, and the update waits for what they still have, which it says, for ``drainSeconds`` at most.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping

import pulumi

from ops.commands import OperationError
from ops.engine import Container, Engine
from rules.container import DRAIN_NOTICE_SECONDS
from rules.docker import EngineError
from rules.layout import GATEWAY_METRICS_PORT, GATEWAY_PLAIN_PORT, GATEWAY_TLS_PORT, LITELLM_PORT
from rules.settings import Settings
from rules.waiting import POLL_SECONDS

Hook = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]
Say = Callable[[str], None]
KILL_SECONDS = 5
SAY_SECONDS = 15
PORTS = {"gateway": (GATEWAY_TLS_PORT, GATEWAY_PLAIN_PORT, GATEWAY_METRICS_PORT), "litellm": (LITELLM_PORT,)}
"""Where the containers that drain have their clients. The egress proxy ends after LiteLLM, and has none left."""
ESTABLISHED = "01"


def room_maker(label: str, settings: Settings) -> Hook:
    """Returns the hook that runs before a front is created."""

    async def hook(_: pulumi.ResourceHookArgs) -> None:
        await asyncio.to_thread(make_room, Engine(settings.docker_host, settings.docker_cert_path), label)

    return hook


def make_room(engine: Engine, label: str) -> None:
    """Ends the gateways that publish ports themselves, as an earlier version's did: the front takes the ports over.

    Pulumi deletes them at the end of the update. By now the new gateway is healthy, so the gap is what the front
    needs to start.
    """
    there = engine.containers(label)
    for old in there:
        if old.role == "gateway" and old.running and engine.publishes(old.id):
            engine.run("stop", "--time", "1", old.id)


def drainer(label: str, settings: Settings, ids: Mapping[str, pulumi.Output[str]]) -> Hook:
    """Returns the hook that runs when the new containers, whose ``ids`` are given by role, have passed the check."""
    current = pulumi.Output.all(*ids.values())

    async def hook(_: pulumi.ResourceHookArgs) -> None:
        known = await current.future() or []
        engine = Engine(settings.docker_host, settings.docker_cert_path)
        await asyncio.to_thread(drain, engine, label, known, settings.drain_seconds, pulumi.log.info)

    return hook


def drain(engine: Engine, label: str, current: Collection[str], seconds: int, say: Say) -> None:
    """Tells the containers that are not ``current`` any more to take nothing new, and waits until they have ended.

    What has not ended after ``seconds`` (and a few, in which a container ends by itself) is killed. A stack of the same
    name in another working copy shares the label, but not the networks. What the engine does not tell is left to
    Pulumi, which deletes the same containers after this.
    """
    try:
        there = engine.containers(label)
        ours = frozenset[str]().union(*(found.networks for found in there if found.id in current))
        old = [
            found
            for found in there
            if found.role in PORTS and found.running and found.id not in current and found.networks & ours
        ]
        for container in old:
            # The image's own stop signal, or the engine would start the container again when it has ended.
            engine.run("kill", "--signal", container.stop_signal, container.id, check=False)
        _wait(engine, label, {container.id for container in old}, seconds, say)
    except (EngineError, OperationError) as fault:
        say(f"the replaced containers could not be watched ({fault}); they are deleted all the same")


def _wait(engine: Engine, label: str, old: Collection[str], seconds: int, say: Say) -> None:
    began = time.monotonic()
    end = began + seconds + DRAIN_NOTICE_SECONDS + KILL_SECONDS
    next_word = began + DRAIN_NOTICE_SECONDS + 1
    while left := [found for found in engine.containers(label) if found.id in old and found.running] if old else []:
        now = time.monotonic()
        if now >= end:
            for container in left:
                engine.kill(container.id)
            say(f"{', '.join(found.name for found in left)} had {seconds} s (drainSeconds); what was open is cut")
            return
        if now >= next_word:
            say(f"waiting for {_open(engine, left)} to end, for {end - now:.0f} s at most (drainSeconds is {seconds})")
            next_word = now + SAY_SECONDS
        time.sleep(POLL_SECONDS)


def _open(engine: Engine, containers: Collection[Container]) -> str:
    """What is still open in each, in words."""
    return " and ".join(f"connections of {found.name} ({connections(engine, found)})" for found in containers)


def connections(engine: Engine, container: Container) -> int:
    """Returns how many clients have a connection to the container: streams, answers under way, and idle ones."""
    table = engine.run("exec", container.id, "cat", "/proc/net/tcp", check=False).stdout.splitlines()
    ports = {f"{port:04X}" for port in PORTS[container.role]}
    sockets = [line.split() for line in table]
    return sum(one[1].rpartition(":")[2] in ports and one[3] == ESTABLISHED for one in sockets if len(one) > 3)
