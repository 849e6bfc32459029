"""The three networks that decide who can speak to whom."""

import pulumi
import pulumi_docker as docker

from components.stack import Deployment

BRIDGE = "com.docker.network.bridge"


class Networks(pulumi.ComponentResource):
    """``edge`` takes callers in, ``backend`` is closed, ``egress`` is the way out.

    - ``edge``: the gateway alone, for a published port needs a network that is not internal. Without masquerading a
      packet that the gateway sends out on its own is never answered, so that it is no way out.
    - ``backend``: internal, and without an address of the host on it (``inhibit_ipv4``), or every listener of the host
      could be reached through the bridge.
    - ``egress``: the egress proxy alone.
    """

    edge: docker.Network
    backend: docker.Network
    egress: docker.Network

    def __init__(self, name: str, deployment: Deployment, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm-claude:components:Networks", name, None, opts)

        def network(role: str, *, internal: bool = False, options: dict[str, str] | None = None) -> docker.Network:
            return docker.Network(
                f"{deployment.name}-{role}",
                driver="bridge",
                internal=internal,
                options=options,
                labels=[
                    docker.NetworkLabelArgs(label=label, value=value)
                    for label, value in deployment.labels(role).items()
                ],
                opts=deployment.child(self),
            )

        self.edge = network("edge", options={f"{BRIDGE}.enable_ip_masquerade": "false"})
        self.backend = network("backend", internal=True, options={f"{BRIDGE}.inhibit_ipv4": "true"})
        self.egress = network("egress")
        self.register_outputs({"edge": self.edge.name, "backend": self.backend.name, "egress": self.egress.name})
