"""What is not there any more, or not as it was made: a cheap look at the engine, and what brings it back.

What the engine can undo itself is undone there, without a new container: started, unpaused, renamed, connected again,
its limits put back, and one that runs and answers nothing any more is started anew.
What is gone is returned, so that ``pulumi refresh`` of just that makes the next update create it.
"""

from collections.abc import Iterable
from typing import Any

from ops.engine import Engine
from ops.state import KINDS, Resource, State, engine_id, name_of, role_of
from rules.messages import sayer
from rules.processors import BILLIONTHS
from rules.sizes import MIB

say = sayer("presence")

RESTART_SECONDS = 2
"""What one that hangs gets before it is killed: nothing that it began will come to an end by itself."""


def absent(state: State, engine: Engine) -> list[Resource]:
    """Returns the resources that the engine has no longer, after it has undone what it could.

    A container that cannot be brought back as it is gets removed and is returned too.
    """
    gone: list[Resource] = []
    for kind in KINDS:
        known = [resource for resource in state.in_force(kind) if engine_id(resource)]
        found = {entry_id(kind, entry): entry for entry in engine.inspect(kind, map(engine_id, known))}
        for resource in known:
            entry = found.get(engine_id(resource))
            if entry is None:
                say(_lost(kind, resource, state.stack))
                gone.append(resource)
            elif kind == "container" and not _as_it_was(resource, entry, engine):
                say(f"{name_of(resource)} does not start again as it is: it is made anew")
                engine.remove(entry["Id"])
                gone.append(resource)
    return gone


def entry_id(kind: str, entry: dict[str, Any]) -> str:
    """Returns under which id Pulumi knows what the engine has inspected."""
    return str(entry[{"volume": "Name", "service": "ID"}.get(kind, "Id")])


def _lost(kind: str, resource: Resource, stack: str) -> str:
    text = f"the {kind} {name_of(resource) or role_of(resource)} is gone from the engine: it is made anew"
    if kind != "volume":
        return text
    if role_of(resource) == "usage":
        text += ". What it kept of the usage is lost"
    elif role_of(resource) in ("acme", "certificate"):
        text += ". A new certificate is asked for"
    else:
        text += f". It is empty: if the stack uses a Claude login, log in again (make login STACK={stack})"
    return text


def _as_it_was(resource: Resource, entry: dict[str, Any], engine: Engine) -> bool:
    return all(engine.run(*command, check=False).returncode == 0 for command in _mending(resource, entry, engine))


def _mending(resource: Resource, entry: dict[str, Any], engine: Engine) -> Iterable[tuple[str, ...]]:
    """Yields what docker must do so that the container is again as Pulumi made it."""
    identifier, name = entry["Id"], name_of(resource)
    if name and entry["Name"].removeprefix("/") != name:
        say(f"{entry['Name'].removeprefix('/')} gets its name back: {name}")
        yield "rename", identifier, name
    yield from _networks(resource, entry)
    if limits := _limits(resource.get("inputs") or {}, entry.get("HostConfig") or {}, engine):
        say(f"{name} gets the limits back that it was made with (memory, processors or restarts were changed)")
        yield "update", *limits, identifier
    if entry["State"]["Status"] == "paused":
        say(f"{name} goes on (it was paused)")
        yield "unpause", identifier
    elif entry["State"]["Status"] in ("created", "exited", "dead"):
        say(f"{name} is started again (it was stopped)")
        yield "start", identifier
    elif _hangs(resource, entry, engine):
        say(f"{name} is started anew (it runs, and answers nothing any more)")
        yield "restart", "--time", str(RESTART_SECONDS), identifier


def _networks(resource: Resource, entry: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    """Yields what connects it to its own networks, by the names under which others look for it, and to no others."""
    identifier, name = entry["Id"], name_of(resource)
    attached = entry["NetworkSettings"].get("Networks") or {}
    declared = (resource.get("inputs") or {}).get("networksAdvanced") or []
    for network in declared:
        wanted = list(network.get("aliases") or [])
        if network["name"] in attached:
            if set(wanted) <= set((attached[network["name"]] or {}).get("Aliases") or []):
                continue
            say(f"{name} was connected to {network['name']} by hand, and not by its names there")
            yield "network", "disconnect", "--force", network["name"], identifier
        say(f"{name} is connected to {network['name']} again")
        aliases = (part for alias in wanted for part in ("--alias", alias))
        yield "network", "connect", *aliases, network["name"], identifier
    for network in sorted(set(attached) - {network["name"] for network in declared}) if declared else ():
        say(f"{name} is disconnected from {network}, which is none of its networks")
        yield "network", "disconnect", "--force", network, identifier


def _limits(inputs: dict[str, Any], found: dict[str, Any], engine: Engine) -> list[str]:
    """Returns the options of ``docker update`` that undo another one; none when all is as it was made."""
    memory, swap = (int(inputs.get(one) or 0) for one in ("memory", "memorySwap"))
    restart, processors = inputs.get("restart"), float(inputs.get("cpus") or 0)
    billionths = round(processors * BILLIONTHS)
    there = found.get("MemorySwap", swap * MIB)
    same = (
        (found.get("RestartPolicy") or {}).get("Name", restart) in (restart, None)
        and found.get("Memory", memory * MIB) == memory * MIB
        and (there == swap * MIB or (there == -1 and not engine.counts_swap()))
        and found.get("NanoCpus", billionths) == billionths
    )
    if same or not (memory and swap and restart and processors):
        return []
    return ["--restart", restart, "--memory", f"{memory}m", "--memory-swap", f"{swap}m", "--cpus", f"{processors:.13g}"]


def _hangs(resource: Resource, entry: dict[str, Any], engine: Engine) -> bool:
    """Whether it has stopped to answer its health check; one that is only busy gets three tries more."""
    unhealthy = (entry["State"].get("Health") or {}).get("Status") == "unhealthy"
    return unhealthy and not engine.serves(entry["Id"], role_of(resource))
