"""The networks that decide who can speak to whom."""

import hashlib
from collections.abc import Sequence

import pulumi
import pulumi_docker as docker

from components.deployment import Deployment
from rules.acme_container import AcmeChallenge

BRIDGE = "com.docker.network.bridge"


class Networks(pulumi.ComponentResource):
    """``edge`` takes callers in, ``door`` and ``backend`` are closed, ``egress`` is the way out.

    - ``edge``: the front alone, because a published port needs a network that is not internal. Without masquerading a
      packet that the front sends out on its own is never answered, so that it is no way out. It has IPv6 only when the
      front is published there.
    - ``door``: the front and gateways, which believe whoever is there about a client's address. Closed, too.
    - ``backend``: internal, and without an address of the host on it (``inhibit_ipv4``), or every listener of the host
      could be reached through the bridge.
    - ``egress``: the egress proxy alone.

    In a Swarm they are overlays of all nodes, encrypted between them unless ``overlayEncryption`` is off; a task that
    publishes a port or goes out does so by a bridge of its node besides, which Swarm makes.

    With several replicas one more:

    - ``limits``: LiteLLM and Valkey; closed.

    With ``tls: acme`` three more, on none of which LiteLLM is:

    - ``acme``: the container that asks for certificates and its own egress proxy; closed.
    - ``acme-egress``: that proxy alone.
    - ``challenge``: the gateway and that container, over which the gateway hands on what the CA asks for on port 80;
      closed, and there for ``http-01`` alone.
    """

    edge: docker.Network
    door: docker.Network
    backend: docker.Network
    egress: docker.Network
    door_cidrs: pulumi.Output[str] | None = None
    """In a Swarm the addresses of ``door``: a task's own names are known there only once it is healthy."""
    limits: docker.Network | None = None
    acme: docker.Network | None = None
    acme_egress: docker.Network | None = None
    challenge: docker.Network | None = None

    def __init__(self, name: str, deployment: Deployment, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm-claude:components:Networks", name, None, opts)

        if deployment.swarm and not deployment.settings.overlay_encryption:
            pulumi.log.warn(
                "overlayEncryption is false: prompts, answers and keys cross the nodes' network in the clear. "
                "That is for nodes whose network is encrypted by other means, and for a try. "
                f"Fix: pulumi config set overlayEncryption true --stack {pulumi.get_stack()}",
                self,
            )
        self.edge = self._edge(deployment)
        self.door = self._closed(deployment, "door")
        if deployment.swarm:
            self.door_cidrs = self.door.ipam_configs.apply(_subnets)
        self.backend = self._closed(deployment, "backend")
        self.egress = self._network(deployment, "egress")
        if deployment.settings.replicas > 1:
            self.limits = self._closed(deployment, "limits")
        if acme := deployment.settings.acme:
            self.acme = self._closed(deployment, "acme")
            self.acme_egress = self._network(deployment, "acme-egress")
            if acme.settings.acme_challenge is AcmeChallenge.HTTP:
                self.challenge = self._closed(deployment, "challenge")
        self.register_outputs(
            {
                "edge": self.edge.name,
                "door": self.door.name,
                "backend": self.backend.name,
                "egress": self.egress.name,
            }
        )

    def _edge(self, deployment: Deployment) -> docker.Network:
        # A Swarm publishes on a bridge of each node (docker_gwbridge), and there IPv6 is the node's own affair.
        dual_stack = not deployment.swarm and any(one.version == 6 for one in deployment.settings.bind_addresses)
        return self._network(
            deployment,
            "edge",
            # New name: ipamConfigs is ignored, so an existing network cannot become dual-stack.
            prefix="dual-" if dual_stack else "",
            options={f"{BRIDGE}.enable_ip_masquerade": "false"},
            subnet6=local_subnet6(f"{deployment.name}-edge") if dual_stack else None,
        )

    def _closed(self, deployment: Deployment, role: str) -> docker.Network:
        return self._network(deployment, role, internal=True, options={f"{BRIDGE}.inhibit_ipv4": "true"})

    def _network(
        self,
        deployment: Deployment,
        role: str,
        *,
        prefix: str = "",
        internal: bool = False,
        options: dict[str, str] | None = None,
        subnet6: str | None = None,
    ) -> docker.Network:
        overlay = {"encrypted": "true"} if deployment.settings.overlay_encryption else None
        labels = deployment.labels(role).items()
        return docker.Network(
            f"{deployment.name}-{prefix}{role}",
            driver="overlay" if deployment.swarm else "bridge",
            internal=internal,
            options=overlay if deployment.swarm else options,
            ipv6=subnet6 is not None,
            ipam_configs=[docker.NetworkIpamConfigArgs(subnet=subnet6)] if subnet6 else None,
            labels=[docker.NetworkLabelArgs(label=label, value=value) for label, value in labels],
            # The engine adds its own defaults (an MTU) and the IPv4 subnet that it chose, which would show as
            # changes in every preview. So a network whose options change here needs a new name.
            opts=deployment.child(self, ignore_changes=["options", *(["ipamConfigs"] if subnet6 else [])]),
        )


def _subnets(configs: Sequence[docker.outputs.NetworkIpamConfig] | None) -> str:
    return ",".join(one.subnet for one in configs or [] if one.subnet)


def local_subnet6(name: str) -> str:
    """Returns a unique local /64 (RFC 4193), always the same for ``name``; older engines choose none themselves."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return f"fd{digest[:2]}:{digest[2:6]}:{digest[6:10]}:{digest[10:14]}::/64"
