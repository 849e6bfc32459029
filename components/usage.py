"""The volume on which a stack keeps who used what."""

import pulumi
import pulumi_docker as docker

from components.deployment import Deployment
from components.volumes import kept


class UsageVolume(pulumi.ComponentResource):
    """A named volume that outlives containers, and the stack too, as the login's does."""

    volume: docker.Volume

    def __init__(self, name: str, deployment: Deployment, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm-claude:components:UsageVolume", name, None, opts)
        self.volume = kept(deployment, self, "usage", f"{deployment.name}-usage")
        self.register_outputs({"volume": self.volume.name})
