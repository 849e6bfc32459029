"""A stack's state as Pulumi exports it: what it knows of containers, and how a failed replacement is undone in it.

Secrets stay as they are in it, encrypted; the state is never written to a file here.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ops.commands import pulumi
from ops.engine import Engine
from rules.layout import STACK_LABEL
from rules.pulumi_types import CONTAINER, IMAGE, NETWORK, SERVICE, VOLUME

KINDS = {"image": IMAGE, "network": NETWORK, "volume": VOLUME, "container": CONTAINER, "service": SERVICE}
"""What is on the engine: docker's word for each kind, and Pulumi's type."""
ENGINE = "pulumi:providers:docker"
REPLICA = re.compile(r"-\d$")
"""What the name of all but the first container ends with that play one role (rules/layout.py)."""

Resource = dict[str, Any]


class State:
    """The latest state. Changes are made in memory; :meth:`save` hands them to the backend."""

    def __init__(self, stack: str, exported: dict[str, Any]) -> None:
        self.stack = stack
        self.exported = exported

    @classmethod
    def of(cls, stack: str) -> "State":
        """Returns the state of ``stack`` from whatever backend it is in."""
        return cls(stack, json.loads(pulumi("stack", "export", stack=stack)))

    def save(self) -> None:
        """Puts the state in place of the backend's."""
        pulumi("stack", "import", stack=self.stack, stdin=json.dumps(self.exported))

    def refresh(self, gone: Iterable[Resource]) -> None:
        """Lets Pulumi see that ``gone`` are no longer there; it also corrects what refers to them."""
        targets = [part for urn in sorted({resource["urn"] for resource in gone}) for part in ("--target", urn)]
        pulumi("refresh", "--yes", "--skip-preview", *targets, stack=self.stack)

    @property
    def resources(self) -> list[Resource]:
        """All resources, in the state's order: what others depend on comes first."""
        found: list[Resource] = (self.exported.get("deployment") or {}).get("resources") or []
        return found

    def provider(self) -> dict[str, Any]:
        """Returns how the stack's engine is reached, as Pulumi was told last; nothing for that of the shell."""
        found = (resource.get("inputs") or {} for resource in self.resources if resource["type"] == ENGINE)
        return next(found, {})

    def engine(self) -> Engine:
        """Returns the engine on which the stack is."""
        inputs = self.provider()
        return Engine(inputs.get("host"), inputs.get("certPath"))

    def containers(self) -> list[Resource]:
        """Returns the containers, superseded ones too."""
        return [resource for resource in self.resources if resource["type"] == CONTAINER]

    def services(self) -> list[Resource]:
        """Returns the services of a stack on a Swarm, which has no containers of its own."""
        return self.in_force("service")

    def current(self, role: str) -> Resource | None:
        """Returns the container or service in force that plays ``role``."""
        for resource in [*self.containers(), *self.services()]:
            if not resource.get("delete") and resource["urn"].endswith(f"-{role}"):
                return resource
        return None

    def superseded(self, urn: str) -> list[Resource]:
        """Returns what was replaced and awaits deletion, the newest first."""
        found = [resource for resource in self.containers() if resource["urn"] == urn and resource.get("delete")]
        return sorted(found, key=lambda resource: str(resource.get("created", "")), reverse=True)

    def networks(self) -> frozenset[str]:
        """Returns the ids and names of the stack's networks; another copy's stack of the same name has others."""
        found = [resource for resource in self.resources if resource["type"] == NETWORK]
        return frozenset({*(str(one["id"]) for one in found), *map(name_of, found)} - {""})

    @property
    def label(self) -> str | None:
        """The value of the stack's label on its containers or services; None while it has none."""
        for resource in [*self.containers(), *self.services()]:
            for label in (resource.get("inputs") or {}).get("labels") or []:
                if label.get("label") == STACK_LABEL:
                    return str(label["value"])
        return None

    def in_force(self, kind: str) -> list[Resource]:
        """Returns what of ``kind`` (docker's word) the stack is made of; superseded ones are left out."""
        return [found for found in self.resources if found["type"] == KINDS[kind] and not found.get("delete")]

    def grace_seconds(self, role: str) -> int:
        """Returns how long a container of ``role`` may go on after SIGTERM."""
        found = self.current(role)
        return int(((found or {}).get("inputs") or {}).get("destroyGraceSeconds") or 0)

    def reinstate(self, failed: Resource, good: Resource) -> None:
        """Drops ``failed`` and makes ``good``, which it was to replace, the one in force again."""
        good.pop("delete")
        resources = [good if resource is failed else resource for resource in self.resources if resource is not good]
        self.exported["deployment"]["resources"] = list(_ordered(resources))


def name_of(resource: Resource) -> str:
    """Returns a resource's name on the engine."""
    return str((resource.get("outputs") or {}).get("name") or (resource.get("inputs") or {}).get("name") or "")


def engine_id(resource: Resource) -> str:
    """Returns the id that the engine knows; a RemoteImage's own has the name behind it."""
    if resource["type"] == KINDS["image"]:
        return str((resource.get("outputs") or {}).get("imageId") or "")
    return str(resource.get("id") or "")


def role_of(container: Resource) -> str:
    """Returns which role a container plays: the last part of its resource's name, a replica's number aside."""
    return REPLICA.sub("", str(container["urn"])).rpartition("-")[2]


def _needs(resource: Mapping[str, Any]) -> Iterator[str]:
    yield from resource.get("dependencies") or []
    for urns in (resource.get("propertyDependencies") or {}).values():
        yield from urns or []
    if resource.get("parent"):
        yield resource["parent"]
    if resource.get("provider"):
        yield resource["provider"].rpartition("::")[0]


def _ordered(resources: list[Resource]) -> Iterator[Resource]:
    """Yields each resource behind what it needs (Pulumi refuses any other order), otherwise in the order given."""
    in_force = {resource["urn"]: resource for resource in resources if not resource.get("delete")}
    done: set[int] = set()

    def visit(resource: Resource) -> Iterator[Resource]:
        if id(resource) in done:
            return
        done.add(id(resource))
        for urn in _needs(resource):
            if urn in in_force:
                yield from visit(in_force[urn])
        yield resource

    for resource in resources:
        yield from visit(resource)
