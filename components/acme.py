"""What asks for the gateway's certificate by ACME, and renews it: a container of its own, with a way out of its own."""

import pulumi
import pulumi_docker as docker

from components.deployment import Deployment
from components.egress import Egress, Way
from components.images import Images
from components.networks import Networks
from components.part import NO_RESOLVER, TMP, Mount, Part, Values
from components.running import Running, run_one
from components.volumes import kept
from rules.acme import Acme as Asked
from rules.acme_container import AcmeChallenge
from rules.layout import ACME_DIR, CERTIFICATE_DIR, acme_volumes


class CertificateVolume(pulumi.ComponentResource):
    """The volume on which certificates are handed to the gateway, and the path of the one that it shows.

    It outlives containers and the stack, so that a stack that comes back asks for no new certificate: a CA gives few of
    them in a week.
    """

    volume: docker.Volume
    path: str

    def __init__(
        self, name: str, deployment: Deployment, asked: Asked, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("litellm-claude:components:CertificateVolume", name, None, opts)
        self.asked = asked
        self.volume = kept(deployment, self, "certificate", acme_volumes(deployment.name)["certificate"])
        self.path = f"{CERTIFICATE_DIR}/{deployment.settings.hostname}/tls.pem"
        self.register_outputs({"volume": self.volume.name})


class Acme(pulumi.ComponentResource):
    """lego with a loop around it. It has the DNS provider's variables and the account at the CA, and no other secret.

    It stands on no network with LiteLLM, asks no DNS, and its own proxy lets it through to the CA and the DNS provider
    alone. The gateway is up before it: the CA of ``http-01`` comes in through that.
    """

    container: Running
    egress: Running

    def __init__(
        self,
        name: str,
        deployment: Deployment,
        images: Images,
        networks: Networks,
        handed: CertificateVolume,
        front: Running,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("litellm-claude:components:Acme", name, None, opts)
        asked = handed.asked
        hosts, ports = asked.outside
        way = Way("acme-egress", hosts, ports, [one for one in (networks.acme_egress, networks.acme) if one])
        egress = Egress("acme-egress", deployment, images, way, opts=pulumi.ResourceOptions(parent=self))
        self.egress = egress.container
        account = kept(deployment, self, "acme", acme_volumes(deployment.name)["acme"])
        part = Part(
            role="acme",
            image=images.acme,
            user="10003:101",  # the gateway's group, which may read what is handed over
            env=_environment(asked, egress),
            secrets=frozenset({"ACME_DNS_VARIABLES"}),
            networks=[one for one in (networks.acme, networks.challenge) if one],
            dns=[NO_RESOLVER],
            mounts=[Mount(account, ACME_DIR), Mount(handed.volume, CERTIFICATE_DIR)],
            tmpfs={"/run/acme": "size=8m,uid=10003,gid=101,mode=0700", TMP: "size=16m,mode=1777"},
            memory_mib=256,
            cpus=0.5,
            files=1024,
            grace_seconds=10,
            depends_on=[front],
        )
        self.container = run_one(deployment, part, self)
        self.register_outputs({"container": self.container.name, "egress": self.egress.name})


def _environment(asked: Asked, egress: Egress) -> Values:
    settings = asked.settings
    dns = settings.acme_challenge is AcmeChallenge.DNS
    return {
        "ACME_HOSTNAME": settings.hostname,
        "ACME_EMAIL": settings.acme_email,
        "ACME_CHALLENGE": settings.acme_challenge,
        "ACME_DIRECTORY": settings.acme_directory,
        "ACME_DIRECTORY_CA": settings.acme_directory_ca,
        "ACME_DNS_PROVIDER": settings.acme_dns_provider if dns else None,
        "ACME_DNS_ZONE": asked.own_zone if dns else None,
        "ACME_DNS_VARIABLES": pulumi.Output.secret(asked.variables) if dns else None,
        "HTTPS_PROXY": egress.url,
        "HTTP_PROXY": egress.url,
        "NO_PROXY": "localhost,127.0.0.1",
    }
