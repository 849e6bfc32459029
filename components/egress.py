"""The egress proxy: the only way out, and only to the names on its list."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from components.convergence import Convergence, Waiter, version
from components.deployment import Deployment
from components.images import Images
from components.networks import Networks
from components.part import LITELLM_START_SECONDS, TMP, Part
from components.running import Running, run_one
from components.service import CONVERGE_SECONDS
from rules.container import DRAIN_NOTICE_SECONDS
from rules.egress_names import lacking
from rules.setting_types import ClaudeAuth
from rules.upstream import LOGIN_HOSTS

PORT = 3128


@dataclass(frozen=True)
class Way:
    """Whom a proxy lets out, whereto, and on which networks it stands; ``role`` is its name there."""

    role: str
    hosts: Sequence[str]
    ports: Sequence[int]
    networks: Sequence[docker.Network]


class Egress(pulumi.ComponentResource):
    """Squid, which opens tunnels to the hosts on its list and refuses addresses that are not public."""

    container: Running
    url: pulumi.Output[str]
    """With the container's own name: a new egress proxy means a new LiteLLM, and the old pair drains together."""
    everywhere: pulumi.Output[str] | None = None
    """In a Swarm, where all LiteLLMs ask through all proxies: changes with these, and is known once all nodes have the
    new ones. LiteLLMs that start then have no tunnel through an old proxy, which lasts until the old LiteLLMs ended."""

    def __init__(
        self,
        name: str,
        deployment: Deployment,
        images: Images,
        way: Way,
        waiter: Waiter | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("litellm-claude:components:Egress", name, None, opts)
        settings = deployment.settings
        # A tunnel that is kept open serves request after request: an old proxy goes when the old LiteLLMs have gone.
        old = 2 * CONVERGE_SECONDS + settings.replicas * LITELLM_START_SECONDS
        drain = old + settings.drain_seconds + DRAIN_NOTICE_SECONDS if deployment.swarm else None
        part = Part(
            role=way.role,
            image=images.egress,
            user="13:13",
            env={
                "EGRESS_ALLOW": ",".join(way.hosts),
                "EGRESS_PORTS": ",".join(map(str, way.ports)),
                "EGRESS_CLOSED_CIDRS": ",".join(map(str, settings.egress_closed_cidrs)),
                "EGRESS_DRAIN_SECONDS": str(drain) if drain else None,
            },
            configuration=frozenset({"EGRESS_ALLOW", "EGRESS_CLOSED_CIDRS"}),
            networks=way.networks,
            dns=[str(address) for address in settings.egress_dns],
            tmpfs={"/run/squid": "size=16m,uid=13,gid=13,mode=0750", TMP: "size=16m,mode=1777"},
            memory_mib=256,
            cpus=1,
            files=4096,
            grace_seconds=10 + (drain or 0),
            health_program="egress-healthcheck",
            create_before_delete=True,
            everywhere=True,
        )
        self.container = run_one(deployment, part, self)
        self.url = pulumi.Output.concat("http://", self.container.name, f":{PORT}")
        if waiter and isinstance(self.container, docker.Service):
            inside = pulumi.ResourceOptions(parent=self)
            gate = Convergence(f"{name}-convergence", {way.role: self.container}, waiter, inside)
            self.everywhere = pulumi.Output.all(version(self.container), gate.urn).apply(lambda parts: str(parts[0]))
        self.register_outputs({"container": self.container.name})


def to_models(deployment: Deployment, networks: Networks) -> Way:
    """LiteLLM's way out: to the hosts of ``egressAllow``."""
    settings = deployment.settings
    ports = sorted({443, settings.upstream[1]})
    if settings.claude_auth is ClaudeAuth.LOGIN and (lost := lacking(settings.egress_hosts, LOGIN_HOSTS)):
        pulumi.log.warn(
            f"egressAllow does not hold {', '.join(lost)}, where a Claude login is made and renewed. It ends within a "
            f"day. Fix: pulumi config rm egressAllow --stack {pulumi.get_stack()}, or add them to it"
        )
    return Way("egress", settings.egress_hosts, ports, [networks.egress, networks.backend])
