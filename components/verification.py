"""The check of the running stack inside every update that changed a container."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import pulumi
import pulumi_docker as docker

from components.claude_auth import ClaudeAuthVolume
from components.deployment import Deployment
from components.gate import gated
from components.networks import Networks
from rules.settings import Settings


class Verifier(Protocol):
    """Makes the check of the running stack from what the program declares."""

    def __call__(
        self,
        settings: Settings,
        containers: pulumi.Output[Mapping[str, Mapping[str, Any]]],
        networks: pulumi.Output[Mapping[str, str]],
        volume: pulumi.Output[str],
    ) -> Callable[[pulumi.ResourceHookArgs], Awaitable[None]]:
        """Returns the hook, which raises RuntimeError when the stack is not secure.

        :param containers: by role, the ``id`` and the inputs as the state names them.
        :param networks: the names by role.
        :param volume: the name of the login's volume.
        """


class Verification(pulumi.ComponentResource):
    """A gate: it exists only in the form in which the running containers have passed the check.

    Its inputs name what runs, so it is created or updated when, and only when, a container was. The check runs *before*
    that: when it fails, nothing is recorded, and the next update has to pass it again. A hook after the container's own
    creation would fail open, because the container is then recorded and the next update runs no hook. Pulumi deletes
    what was replaced at the very end of an update, so the good old LiteLLM stands until a new one has passed.
    """

    def __init__(
        self,
        name: str,
        deployment: Deployment,
        networks: Networks,
        login: ClaudeAuthVolume,
        containers: Mapping[str, docker.Container],
        verifier: Verifier,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        names = {
            "edge": networks.edge.name,
            "door": networks.door.name,
            "backend": networks.backend.name,
            "egress": networks.egress.name,
            **({"limits": networks.limits.name} if networks.limits else {}),
            **({"acme": networks.acme.name} if networks.acme else {}),
            **({"challenge": networks.challenge.name} if networks.challenge else {}),
        }
        check = pulumi.ResourceHook(
            "posture",
            verifier(
                deployment.settings,
                pulumi.Output.all(**{role: _declared(container) for role, container in containers.items()}),
                pulumi.Output.all(**names),
                login.volume.name,
            ),
        )
        super().__init__(
            "litellm-claude:components:Verification",
            name,
            {role: version(container) for role, container in containers.items()},
            gated(check, containers.values(), opts),
        )
        self.register_outputs({})


def version(container: docker.Container) -> pulumi.Output[list[object]]:
    """What changes whenever the container does: its id, and what the engine changes in place."""
    return pulumi.Output.all(container.id, container.memory, container.memory_swap, container.restart)


def _declared(container: docker.Container) -> pulumi.Output[dict[str, object]]:
    """The container's id and inputs, by the names that Pulumi's state has for them."""
    return pulumi.Output.all(
        id=container.id,
        name=container.name,
        image=container.image,
        envs=container.envs,
        networksAdvanced=container.networks_advanced.apply(
            lambda networks: [{"name": network.name} for network in networks or []]
        ),
        ports=container.ports.apply(
            lambda ports: [{"ip": p.ip, "external": p.external, "internal": p.internal} for p in ports or []]
        ),
    )
