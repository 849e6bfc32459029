"""A LiteLLM gateway in front of Claude: settings, then what exists, then what a user needs to know of it."""

import pulumi

from components.acme import Acme, CertificateVolume
from components.claude_auth import ClaudeAuthVolume
from components.client_keys import ClientKeys, MetricsKey
from components.convergence import Convergence
from components.deployment import Deployment
from components.egress import Egress, to_models
from components.exports import export_after
from components.front import Front
from components.gateway import Gateway
from components.handover import Handover
from components.images import Images
from components.litellm import LiteLLM
from components.master_key import MasterKey
from components.networks import Networks
from components.registration import begun
from components.running import containers_of, ids_of, services_of
from components.server_certificate import ServerCertificate
from components.usage import UsageVolume
from components.valkey import Valkey
from components.verification import Verification
from ops.convergence import converger
from ops.handover import drainer, room_maker
from posture.hook import verifier
from rules.configuration import load

settings = load(pulumi.Config())
deployment = Deployment.of(settings)
images = Images("images", deployment)
networks = Networks("networks", deployment)
login = ClaudeAuthVolume("claude-auth", deployment)
key = MasterKey("master-key", deployment)
clients = ClientKeys("client-keys", deployment) if settings.clients else None
usage = UsageVolume("usage", deployment) if settings.usage_days else None
metrics = MetricsKey("metrics-key", deployment) if settings.metrics_port else None
certificate = ServerCertificate("server-certificate", deployment)
handed = CertificateVolume("certificate", deployment, settings.acme) if settings.acme else None
egress = Egress("egress", deployment, images, to_models(deployment, networks), converger(deployment.name, settings))
valkey = Valkey("valkey", deployment, images, networks.limits) if networks.limits else None
litellm = LiteLLM("litellm", deployment, images, networks, key, clients, metrics, login, usage, egress, valkey)
gateway = Gateway("gateway", deployment, images, networks, certificate, handed, metrics, litellm)
front = Front("front", deployment, images, networks, gateway, room_maker(deployment.name, settings))
acme = Acme("acme", deployment, images, networks, handed, front.container) if handed else None
running = {"egress": egress.container, **litellm.replicas, "gateway": gateway.container, "front": front.container}
running |= {"valkey": valkey.container} if valkey else {}
running |= {"acme": acme.container, "acme-egress": acme.egress} if acme else {}
passed: pulumi.Resource = front.container
if deployment.swarm:
    passed = Convergence("convergence", services_of(running), converger(deployment.name, settings))
else:
    containers = containers_of(running)
    if settings.verify_on_update or settings.acme:  # a certificate is waited for in any case
        passed = Verification("verification", deployment, networks, login, containers, verifier)
    Handover("handover", containers, drainer(deployment.name, settings, ids_of(containers)), passed)

outputs = {
    "url": settings.url,
    "master_key": key.current,
    "master_key_source": key.source.value,
    "key_generation": key.generation,
    "key_created": key.created,
    "previous_key_generation": key.previous_generation,
    "previous_key_expires": settings.previous_key_expires and settings.previous_key_expires.isoformat(),
    "claude_auth": settings.claude_auth.value,
    "ca_certificate": certificate.authority,
    "claude_auth_volume": login.volume.name,
}
outputs |= {f"{name}_{'service' if deployment.swarm else 'container'}": one.name for name, one in running.items()}
outputs |= {"client_keys": clients.keys, "clients": clients.described} if clients else {}
outputs |= {"metrics_key": metrics.key} if metrics else {}
export_after(passed, outputs)
pulumi.run(begun)
