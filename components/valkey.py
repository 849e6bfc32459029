"""Valkey, where several LiteLLM containers count together what clients have asked."""

import hashlib

import pulumi
import pulumi_docker as docker

from components.deployment import Deployment
from components.generated_key import random_digits
from components.images import Images
from components.part import NO_RESOLVER, Part
from components.running import Running, run_one


class Valkey(pulumi.ComponentResource):
    """Counters in memory, on a network that it shares with LiteLLM alone. Of a stack with several replicas.

    Without it each replica goes on, and counts for itself. It keeps nothing, so that a new one begins with none of
    a minute's counts; LiteLLM's containers name this very one, as they do their egress proxy, and go with it.
    """

    container: Running
    environment: dict[str, pulumi.Input[str] | None]
    """What LiteLLM is told to find it."""

    def __init__(
        self,
        name: str,
        deployment: Deployment,
        images: Images,
        network: docker.Network,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("litellm-claude:components:Valkey", name, None, opts)
        password: pulumi.Output[str] = pulumi.Output.secret(
            random_digits(f"{deployment.name}-valkey-password", self).result
        )
        part = Part(
            role="valkey",
            image=images.valkey,
            user="10004:10004",
            env={"VALKEY_PASSWORD_SHA256": password.apply(lambda text: hashlib.sha256(text.encode()).hexdigest())},
            secrets=frozenset({"VALKEY_PASSWORD_SHA256"}),
            networks=[network],
            dns=[NO_RESOLVER],
            tmpfs={"/run/valkey": "size=1m,uid=10004,gid=10004,mode=0700"},
            memory_mib=96,
            cpus=0.5,
            files=1024,
            grace_seconds=5,
            start_seconds=30,
            create_before_delete=True,
        )
        self.container = run_one(deployment, part, self)
        self.environment = {"VALKEY_HOST": self.container.name, "VALKEY_PASSWORD": password}
        self.register_outputs({"container": self.container.name})
