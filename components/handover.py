"""The end of an update: what was replaced finishes what it has, and takes nothing new."""

from collections.abc import Awaitable, Callable, Mapping

import pulumi
import pulumi_docker as docker

from components.verification import version

Drain = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]


class Handover(pulumi.ComponentResource):
    """Changes when, and only when, a container did, after the check of the new ones; its hook drains the old ones.

    Pulumi would end them too, one after the other. Told all at once they need no longer than ``drainSeconds`` together,
    and a new key is the only one as soon as the update has passed its check, whatever still streams.
    """

    def __init__(
        self,
        name: str,
        containers: Mapping[str, docker.Container],
        drain: Drain,
        passed: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``passed`` is what is recorded only when the new containers serve and have passed their check."""
        hook = pulumi.ResourceHook("drain", drain)
        super().__init__(
            "litellm-claude:components:Handover",
            name,
            # depends_on waits for resources of providers alone: that it is registered says it passed.
            {
                **{role: version(container) for role, container in containers.items()},
                "checked": [passed.urn],
            },
            pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(after_create=[hook], after_update=[hook])),
            ),
        )
        self.register_outputs({})
