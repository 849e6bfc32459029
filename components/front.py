"""The front: owns the published ports, so that everything behind it can be replaced unnoticed."""

from collections.abc import Awaitable, Callable

import pulumi

from components.deployment import Deployment
from components.gateway import Gateway
from components.images import Images
from components.networks import Networks
from components.part import NO_RESOLVER, Part, Port
from components.running import Running, run_one
from rules.layout import GATEWAY_METRICS_PORT, GATEWAY_PLAIN_PORT, GATEWAY_TLS_PORT
from rules.setting_types import TlsMode
from rules.settings import Settings


class Front(pulumi.ComponentResource):
    """HAProxy in TCP mode: hands connections to whichever gateway is ready, and tells it who the client is.

    A published port belongs to one container, so this one cannot be replaced without a gap, which cuts every
    connection. Nothing but the ports, the addresses and its own image does that: it has no setting and no version.
    """

    container: Running

    def __init__(
        self,
        name: str,
        deployment: Deployment,
        images: Images,
        networks: Networks,
        gateway: Gateway,
        make_room: Callable[[pulumi.ResourceHookArgs], Awaitable[None]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("litellm-claude:components:Front", name, None, opts)
        settings = deployment.settings
        part = Part(
            role="front",
            image=images.front,
            user="100:101",
            env={},
            networks=[networks.edge, networks.door],
            dns=[NO_RESOLVER],
            ports=published(settings),
            tmpfs={"/run/front": "size=1m,uid=100,gid=101,mode=0700"},
            memory_mib=256,
            cpus=1,
            files=16384,
            grace_seconds=1,
            start_seconds=30,
            # Last of all: the first one takes the port over from the gateway of an earlier version.
            depends_on=[gateway],
            outlives_versions=True,
            make_room=pulumi.ResourceHook("make-room", make_room),
            everywhere=True,
            placement=settings.front_placement,
        )
        self.container = run_one(deployment, part, self)
        self.register_outputs({"container": self.container.name})


def published(settings: Settings) -> list[Port]:
    """Returns the ports by the number inside, which each address has of its own, in whatever order they are set."""
    inside = {GATEWAY_PLAIN_PORT if settings.tls_mode is TlsMode.OFF else GATEWAY_TLS_PORT: settings.port}
    if settings.redirect_port:
        inside[GATEWAY_PLAIN_PORT] = settings.redirect_port
    ports = [
        Port(internal + index, external, str(address))
        for internal, external in inside.items()
        for index, address in enumerate(sorted(settings.bind_addresses, key=lambda one: (one.version, int(one))))
    ]
    if settings.metrics_port:
        ports.append(Port(GATEWAY_METRICS_PORT, settings.metrics_port, str(settings.metrics_address)))
    return sorted(ports, key=lambda port: port.internal)
