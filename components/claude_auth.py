"""The volume that holds the Claude login."""

import pulumi
import pulumi_docker as docker

from components.deployment import Deployment


class ClaudeAuthVolume(pulumi.ComponentResource):
    """A named volume that outlives containers, ``pulumi destroy`` and the stack itself.

    The name is fixed, not generated: after a destroy the next ``up`` adopts the volume that was left behind, with its
    login. ``claudeAuthVolume`` adopts another one, such as a compose deployment's. In production it is protected too,
    so that no update can delete it, whatever changed.
    """

    volume: docker.Volume

    def __init__(self, name: str, deployment: Deployment, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm-claude:components:ClaudeAuthVolume", name, None, opts)
        # A volume's labels cannot change, and an adopted one has its own: so none are set.
        self.volume = docker.Volume(
            f"{deployment.name}-claude-auth",
            name=deployment.settings.claude_auth_volume or f"{deployment.name}-claude-auth",
            opts=deployment.child(self, retain_on_delete=True, protect=deployment.settings.production),
        )
        self.register_outputs({"volume": self.volume.name})
