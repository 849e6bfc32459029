"""What is not there any more, or not as it was made: a cheap look at the engine, and what brings it back.

What the engine can undo itself is undone there, without a new container: started, unpaused, renamed, connected again.
What is gone is returned, so that ``pulumi refresh`` of just that makes the next update create it.
"""

from collections.abc import Iterable
from typing import Any

from ops.engine import Engine
from ops.state import KINDS, Resource, State, engine_id, name_of, role_of
from setup.messages import sayer

say = sayer("presence")


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
    if role_of(resource) == "usage":
        text += ". What it kept of the usage is lost"
    elif role_of(resource) in ("acme", "certificate"):
        text += ". A new certificate is asked for"
    elif kind == "volume":
        text += f". It is empty: if the stack uses a Claude login, log in again (make login STACK={stack})"
    return text


def _as_it_was(resource: Resource, entry: dict[str, Any], engine: Engine) -> bool:
    return all(engine.run(*command, check=False).returncode == 0 for command in _mending(resource, entry))


def _mending(resource: Resource, entry: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    """Yields what docker must do so that the container is again as Pulumi made it."""
    identifier, name = entry["Id"], name_of(resource)
    if name and entry["Name"].removeprefix("/") != name:
        say(f"{entry['Name'].removeprefix('/')} gets its name back: {name}")
        yield "rename", identifier, name
    attached = entry["NetworkSettings"].get("Networks") or {}
    for network in (resource.get("inputs") or {}).get("networksAdvanced") or []:
        if network["name"] not in attached:
            say(f"{name} is connected to {network['name']} again")
            aliases = (part for alias in network.get("aliases") or [] for part in ("--alias", alias))
            yield "network", "connect", *aliases, network["name"], identifier
    if entry["State"]["Status"] == "paused":
        say(f"{name} goes on (it was paused)")
        yield "unpause", identifier
    elif entry["State"]["Status"] in ("created", "exited", "dead"):
        say(f"{name} is started again (it was stopped)")
        yield "start", identifier
