"""The end of an update of a Swarm: it waits until what was changed runs on all nodes."""

from collections.abc import Awaitable, Callable, Mapping

import pulumi
import pulumi_docker as docker

Wait = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]


class Convergence(pulumi.ComponentResource):
    """Changes when, and only when, a service did; its hook waits, before that, and fails when a service went back.

    So an update that did not take is not recorded as one, and the next update waits for it again. The provider waits
    for no service that is on every node, and takes one whose first task is new for one that is done.
    """

    def __init__(
        self,
        name: str,
        services: Mapping[str, docker.Service],
        waiter: Callable[[pulumi.Output[Mapping[str, str]]], Wait],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        ids = pulumi.Output.all(**{role: one.id for role, one in services.items()})
        hook = pulumi.ResourceHook("converge", waiter(ids))
        super().__init__(
            "litellm-claude:components:Convergence",
            name,
            {role: pulumi.Output.all(one.id, one.mode, one.task_spec) for role, one in services.items()},
            pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(
                    depends_on=list(services.values()),
                    hooks=pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook]),
                ),
            ),
        )
        self.register_outputs({})
