"""The end of an update of a Swarm: it waits until what was changed runs on all nodes."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_docker as docker

from components.gate import gated
from components.running import ids_of

NOTHING: tuple[Any, ...] = (None, "", 0, [], {})
Wait = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]
Waiter = Callable[[pulumi.Output[Mapping[str, str]]], Wait]


class Convergence(pulumi.ComponentResource):
    """Changes when, and only when, a service did; its hook waits, before that, and fails when a service went back.

    So an update that did not take is not recorded as one, and the next update waits for it again. The provider waits
    for no service that is on every node, and takes one whose first task is new for one that is done.
    """

    def __init__(
        self,
        name: str,
        services: Mapping[str, docker.Service],
        waiter: Waiter,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        hook = pulumi.ResourceHook(name, waiter(pulumi.Output.all(**ids_of(services))))
        super().__init__(
            "litellm-claude:components:Convergence",
            name,
            {role: version(one) for role, one in services.items()},
            gated(hook, services.values(), opts),
        )
        self.register_outputs({})


def version(service: docker.Service) -> pulumi.Output[str]:
    """What changes whenever the service does: a digest, because only a change has to be seen."""
    return pulumi.Output.all(service.id, service.mode, service.task_spec, service.endpoint_spec).apply(_digest)


def _digest(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(said(parts), sort_keys=True).encode()).hexdigest()


def said(value: Any) -> Any:
    """Leaves out what says nothing: a refresh adds fields with empty values, and sets have any order."""
    if isinstance(value, Mapping):
        kept = {name: said(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in NOTHING}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [said(item) for item in value]
    return value
