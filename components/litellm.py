"""LiteLLM: the container in which requests are checked, translated and sent to Claude; one, or several alike."""

import json
from datetime import UTC, datetime

import pulumi
from pydantic import SecretStr

from components.claude_auth import ClaudeAuthVolume
from components.client_keys import ClientKeys, MetricsKey
from components.deployment import Deployment
from components.egress import Egress
from components.images import Images
from components.master_key import MasterKey
from components.networks import Networks
from components.part import LITELLM_START_SECONDS, NO_RESOLVER, TMP, Mount, Part
from components.running import Running, run
from components.usage import UsageVolume
from components.valkey import Valkey
from rules import model_ends
from rules.container import DRAIN_NOTICE_SECONDS, SECRETS, environment_fault
from rules.layout import CLAUDE_CONFIG_DIR, EGRESS_LABEL, USAGE_DIR
from rules.setting_types import ClaudeAuth
from rules.settings import Settings
from rules.sizes import MIB


class LiteLLM(pulumi.ComponentResource):
    """The proxy, on closed networks alone; when it is replaced, the new one is healthy before the old one drains.

    Replicas start one after the other, so that what serves keeps the processors of a small machine; the old ones
    drain together, when the new ones have passed the check.
    """

    replicas: dict[str, Running]
    """The containers by name: ``litellm``, ``litellm-2`` and so on."""

    def __init__(
        self,
        name: str,
        deployment: Deployment,
        images: Images,
        networks: Networks,
        key: MasterKey,
        clients: ClientKeys | None,
        metrics: MetricsKey | None,
        login: ClaudeAuthVolume,
        usage: UsageVolume | None,
        egress: Egress,
        valkey: Valkey | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("litellm-claude:components:LiteLLM", name, None, opts)
        settings = deployment.settings
        environment = _environment(deployment, key, clients, metrics, usage, egress, valkey)
        if problem := environment_fault({**environment, **_plain(settings)}):
            raise pulumi.RunError(f"the LiteLLM container would not start: {problem}")
        self._warn(settings)
        # A volume belongs to one host: in a Swarm there is no login, and where the CLI looks for one there is nothing.
        kept = {} if deployment.swarm else {CLAUDE_CONFIG_DIR: login.volume}
        kept |= {USAGE_DIR: usage.volume} if usage else {}
        part = Part(
            role="litellm",
            image=images.litellm,
            user="10001:10001",
            env=environment,
            secrets=SECRETS,
            configuration=frozenset({"GATEWAY_MODELS", "UPSTREAM_CA_CERTIFICATES"}),
            networks=[networks.backend, *([networks.limits] if networks.limits else [])],
            dns=[NO_RESOLVER],
            mounts=[Mount(volume, path) for path, volume in kept.items()],
            tmpfs={TMP: "size=256m,mode=1777", "/run/litellm": "size=128m,uid=10001,gid=10001,mode=0700"},
            memory_mib=settings.litellm_memory_mib,
            cpus=settings.litellm_cpus,
            files=8192,
            grace_seconds=settings.drain_seconds + DRAIN_NOTICE_SECONDS + 5,
            start_seconds=LITELLM_START_SECONDS,
            create_before_delete=True,
            replicas=settings.replicas,
            depends_on=[egress],
            replaced_with={EGRESS_LABEL: egress.everywhere} if egress.everywhere else {},
        )
        self.replicas = run(deployment, part, self)
        self.register_outputs({"container": self.replicas["litellm"].name})

    def _warn(self, settings: Settings) -> None:
        for sentence in model_ends.sentences(settings.models.values(), datetime.now(UTC).date()):
            stack = pulumi.get_stack()
            fix = f"pulumi config set --stack {stack} --path 'models.NAME' MODEL, then make up STACK={stack}"
            pulumi.log.warn(f"the model {sentence}. Name another one: {fix}", self)
        if settings.replicas > 1 and settings.claude_auth is ClaudeAuth.LOGIN:
            pulumi.log.info("the replicas share the Claude login: one renews it at a time, under the CLI's lock", self)


def _environment(
    deployment: Deployment,
    key: MasterKey,
    clients: ClientKeys | None,
    metrics: MetricsKey | None,
    usage: UsageVolume | None,
    egress: Egress,
    valkey: Valkey | None,
) -> dict[str, pulumi.Input[str] | None]:
    """What the container is told (images/litellm/app/claude_gateway/config/settings.py reads it)."""
    settings = deployment.settings
    expires = settings.previous_key_expires
    return {
        "LITELLM_MASTER_KEY": key.current,
        "LITELLM_KEY_GENERATION": key.generation,
        "LITELLM_PREVIOUS_MASTER_KEY": key.previous,
        "LITELLM_PREVIOUS_KEY_GENERATION": key.previous_generation,
        "LITELLM_PREVIOUS_KEY_EXPIRES": expires.isoformat() if expires else None,
        "GATEWAY_CLIENTS": clients.environment if clients else None,
        "METRICS_KEY_SHA256": metrics.digest if metrics else None,
        "MASTER_KEY_CALLS_MODELS": None if settings.master_key_calls_models else "false",
        "GATEWAY_MODELS": json.dumps(settings.models, sort_keys=True),
        "CLAUDE_AUTH": settings.claude_auth.value,
        "CLAUDE_CODE_OAUTH_TOKEN": _secret(settings.claude_oauth_token),
        "ANTHROPIC_API_KEY": _secret(settings.anthropic_api_key),
        "ANTHROPIC_BASE_URL": settings.anthropic_base_url,
        "UPSTREAM_CA_CERTIFICATES": settings.upstream_ca_certificates,
        "HTTPS_PROXY": egress.url,
        "HTTP_PROXY": egress.url,
        "NO_PROXY": "localhost,127.0.0.1",
        "CLAUDE_WARM_PROCESSES": str(settings.claude_warm_processes),
        "CLAUDE_MAX_CONCURRENCY": str(settings.claude_max_concurrency),
        "CLAUDE_PROCESS_REUSE": settings.claude_process_reuse.value,
        "MEMORY_MIB": str(settings.litellm_memory_mib),
        "MAX_REQUEST_BYTES": str(settings.max_request_mib * MIB),
        "FAILED_AUTH_PER_MINUTE": str(settings.failed_auth_per_minute),
        "DRAIN_SECONDS": str(settings.drain_seconds),
        "DROP_PARAMS": str(settings.drop_params).lower(),
        "USAGE_DAYS": str(settings.usage_days) if usage else None,
        "LOG_LEVEL": settings.log_level.value,
        **(valkey.environment if valkey else {}),
        "CLAUDE_CONFIG_DIR": "/run/litellm/no-login" if deployment.swarm else None,
        "REPLICA": "{{.Task.Slot}}" if deployment.swarm else None,  # which the Swarm fills in
        "STACK": pulumi.get_stack(),  # for the commands that its sentences name
    }


def _secret(value: SecretStr | None) -> pulumi.Output[str] | None:
    return pulumi.Output.secret(value.get_secret_value()) if value else None


def _plain(settings: Settings) -> dict[str, str]:
    """The secrets that are known already, as the container's parser has to see them; they go nowhere else."""
    known = {"CLAUDE_CODE_OAUTH_TOKEN": settings.claude_oauth_token, "ANTHROPIC_API_KEY": settings.anthropic_api_key}
    return {name: value.get_secret_value() for name, value in known.items() if value}
