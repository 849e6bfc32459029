"""The gateway: the rules about who may call what, behind the front that owns the port."""

import pulumi

from components.acme import CertificateVolume
from components.client_keys import MetricsKey
from components.deployment import Deployment
from components.images import Images
from components.litellm import LiteLLM
from components.networks import Networks
from components.part import NO_RESOLVER, Mount, Part, Values
from components.running import Running, run_one
from components.server_certificate import ServerCertificate
from rules.container import DRAIN_NOTICE_SECONDS
from rules.layout import CERTIFICATE_DIR
from rules.setting_types import TlsMode
from rules.settings import Settings


class Gateway(pulumi.ComponentResource):
    """HAProxy: source allow-list before TLS, limits by source, and a health-checked backend.

    On internal networks alone, so that it has no way out, and two of them can stand side by side: a new one is healthy
    before the old one drains.
    """

    container: Running

    def __init__(
        self,
        name: str,
        deployment: Deployment,
        images: Images,
        networks: Networks,
        certificate: ServerCertificate,
        handed: CertificateVolume | None,
        metrics: MetricsKey | None,
        litellm: LiteLLM,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("litellm-claude:components:Gateway", name, None, opts)
        settings = deployment.settings
        part = Part(
            role="gateway",
            image=images.gateway,
            user="100:101",
            env=_environment(deployment, networks, certificate, handed, metrics),
            secrets=frozenset({"GATEWAY_TLS_PRIVATE_KEY", "GATEWAY_METRICS_KEY_SHA256"}),
            configuration=frozenset({"GATEWAY_ALLOWED_CIDRS", "GATEWAY_TLS_CERTIFICATE"}),
            door=networks.door,
            networks=[networks.backend, *([networks.challenge] if networks.challenge else [])],
            mounts=[Mount(handed.volume, CERTIFICATE_DIR, read_only=True)] if handed else [],
            # Nobody there: the engine still knows LiteLLM's name, and no other name leads outside (a DNS tunnel).
            dns=[NO_RESOLVER],
            tmpfs={"/run/gateway": "size=16m,uid=100,gid=101,mode=0700"},
            memory_mib=512,
            cpus=1,
            files=16384,
            grace_seconds=settings.drain_seconds + DRAIN_NOTICE_SECONDS + 5,
            create_before_delete=True,
            everywhere=True,
            placement=settings.front_placement,
            depends_on=[litellm],
        )
        self.container = run_one(deployment, part, self)
        self.register_outputs({"container": self.container.name})


def _environment(
    deployment: Deployment,
    networks: Networks,
    certificate: ServerCertificate,
    handed: CertificateVolume | None,
    metrics: MetricsKey | None,
) -> Values:
    settings = deployment.settings
    return {
        "GATEWAY_ALLOWED_CIDRS": ",".join(map(str, settings.allowed_cidrs)),
        "GATEWAY_ALLOW_HOST": str(settings.allow_host).lower(),
        "GATEWAY_HOST_ADDRESSES": ",".join(host_addresses(settings)),
        "GATEWAY_HOSTNAME": settings.hostname,
        "GATEWAY_TLS": "off" if settings.tls_mode is TlsMode.OFF else "on",
        "GATEWAY_TLS_PROFILE": settings.tls_profile.value,
        "GATEWAY_TLS_FILE": handed.path if handed else None,
        "GATEWAY_CHALLENGE": "true" if networks.challenge else None,
        "GATEWAY_TLS_CERTIFICATE": certificate.certificate,
        "GATEWAY_TLS_PRIVATE_KEY": certificate.private_key,
        "GATEWAY_REDIRECT": str(bool(settings.redirect_port)).lower(),
        "GATEWAY_PUBLIC_PORT": str(settings.port),
        "GATEWAY_MAX_CONNECTIONS_PER_SOURCE": str(settings.max_connections_per_source),
        "GATEWAY_REPLICAS": str(settings.replicas) if settings.replicas > 1 else None,
        "GATEWAY_DRAIN_SECONDS": str(settings.drain_seconds),
        "GATEWAY_METRICS_KEY_SHA256": metrics.digest if metrics else None,
        "GATEWAY_FRONT_CIDRS": networks.door_cidrs,
        "GATEWAY_REPLICAS_HAVE_NAMES": "false" if deployment.swarm else None,
    }


def host_addresses(settings: Settings) -> list[str]:
    """Returns the host's own addresses as far as the settings name them: its processes that call one arrive from it."""
    named = [*settings.bind_addresses, *([settings.metrics_address] if settings.metrics_port else [])]
    own = (str(address) for address in named if not address.is_unspecified and not address.is_loopback)
    return sorted(set(own))  # in another order they would be another container
