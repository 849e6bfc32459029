"""The settings of a stack: typed, with safe defaults.

``Pulumi.yaml`` describes each and has the same default, setting_types.py the forms, settings.py the rules between them.
"""

from functools import cached_property
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel

from rules import addresses
from rules.acme_container import AcmeChallenge
from rules.clients import Client, ClientName
from rules.egress_names import fewest
from rules.setting_types import (
    Address,
    ClaudeAuth,
    Constraint,
    DomainName,
    Environment,
    Generation,
    HostName,
    ImageDigest,
    LogLevel,
    ModelName,
    Moment,
    Network,
    Orchestrator,
    Pem,
    PreviousGeneration,
    Processors,
    ProcessReuse,
    Registry,
    SecretPem,
    StackName,
    TlsMode,
    TlsProfile,
    VolumeName,
)
from rules.sizes import MOST_REPLICAS
from rules.upstream import ANTHROPIC, LOGIN_HOSTS

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
MODELS = {"sonnet": "claude-sonnet-5-5", "opus": "claude-opus-5-5", "haiku": "claude-haiku-5-5"}

Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(ge=1)]


class Fields(BaseModel):
    """Everything that a stack can be told. Immutable; secrets are ``SecretStr`` and never shown."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True)

    environment: Environment
    name: StackName | None = None
    hostname: HostName = "localhost"
    bind_addresses: Annotated[list[Address], Field(min_length=1, max_length=4)] = [ip_address("127.0.0.1")]
    port: Port = 4000
    redirect_port: Annotated[int, Field(ge=0, le=65535)] = 0

    master_key: SecretStr | None = None
    previous_master_key: SecretStr | None = None
    key_rotation: Generation | None = None
    previous_key_rotation: PreviousGeneration | None = None
    previous_key_expires: Moment | None = None
    key_max_age_days: Positive = 90

    tls: TlsMode | None = None
    tls_profile: TlsProfile = TlsProfile.INTERMEDIATE
    tls_certificate: Pem | None = None
    tls_private_key: SecretPem | None = None
    tls_validity_hours: Annotated[int, Field(ge=2, le=398 * 24)] = 90 * 24
    tls_renewal_hours: Positive = 30 * 24
    acme_email: str | None = None
    acme_challenge: AcmeChallenge | None = None
    acme_directory: str = LETS_ENCRYPT
    acme_directory_ca: Pem | None = None
    acme_dns_provider: str | None = None
    acme_dns_variables: SecretStr | None = None
    acme_dns_hosts: list[DomainName] = []
    acme_dns_zone: HostName | None = None

    allowed_cidrs: list[Network] = []
    allow_host: bool = False
    allow_public_access: bool = False
    max_request_mib: Annotated[int, Field(ge=1, le=256)] = 32
    max_connections_per_source: Annotated[int, Field(ge=1, le=1000)] = 100
    failed_auth_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 10

    egress_allow: list[DomainName] = []
    egress_private_cidrs: list[Network] = []
    egress_dns: list[Address] = []
    anthropic_base_url: str | None = None
    upstream_ca_certificates: Pem | None = None

    models: Annotated[dict[ModelName, ModelName], Field(min_length=1)] = MODELS
    claude_auth_volume: VolumeName | None = None
    claude_oauth_token: SecretStr | None = None
    anthropic_api_key: SecretStr | None = None
    claude_warm_processes: Annotated[int, Field(ge=0, le=64)] = 2
    claude_max_concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    claude_process_reuse: ProcessReuse = ProcessReuse.CLIENT
    drop_params: bool = False
    clients: dict[ClientName, Client] = {}
    master_key_calls_models: bool = True
    usage_days: Annotated[int, Field(ge=0, le=3650)] = 0
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    metrics_address: Address = ip_address("127.0.0.1")

    security_updates: Generation | None = None
    litellm_image: ImageDigest | None = None
    gateway_image: ImageDigest | None = None
    egress_image: ImageDigest | None = None
    front_image: ImageDigest | None = None
    acme_image: ImageDigest | None = None
    valkey_image: ImageDigest | None = None
    replicas: Annotated[int, Field(ge=1, le=MOST_REPLICAS)] = 1
    litellm_memory_mib: Annotated[int, Field(ge=512)] = 3072
    litellm_cpus: Processors = 2
    log_level: LogLevel = LogLevel.INFO
    drain_seconds: Annotated[int, Field(ge=1, le=86400)] = 600
    verify_on_update: bool = True
    orchestrator: Orchestrator = Orchestrator.DOCKER
    registry: Registry | None = None
    front_placement: list[Constraint] = []
    overlay_encryption: bool = True
    docker_host: str | None = None
    docker_cert_path: str | None = None

    @property
    def production(self) -> bool:
        """Whether this is a production stack."""
        return self.environment is Environment.PRODUCTION

    @property
    def loopback_only(self) -> bool:
        """Whether nothing but this machine can reach the gateway's port."""
        return all(address.is_loopback for address in self.bind_addresses)

    @property
    def tls_mode(self) -> TlsMode:
        """The TLS mode in force: what ``tls`` says, else managed in production and off in development."""
        return self.tls or (TlsMode.MANAGED if self.production else TlsMode.OFF)

    @property
    def claude_auth(self) -> ClaudeAuth:
        """Which Claude credential the stack uses; at most one can be configured."""
        if self.anthropic_api_key:
            return ClaudeAuth.API_KEY
        return ClaudeAuth.TOKEN if self.claude_oauth_token else ClaudeAuth.LOGIN

    @cached_property
    def upstream(self) -> tuple[str, int]:
        """Host and port of the Anthropic API that the models use."""
        url = urlsplit(self.anthropic_base_url or ANTHROPIC)
        return str(url.hostname), url.port or 443

    @property
    def egress_hosts(self) -> list[str]:
        """The names that the egress proxy lets through: as configured, else just what the credential needs."""
        needed = [self.upstream[0], *(LOGIN_HOSTS if self.claude_auth is ClaudeAuth.LOGIN else ())]
        return fewest(self.egress_allow or needed)

    @property
    def egress_closed_cidrs(self) -> addresses.Networks:
        """The private networks that stay closed to the egress proxy."""
        return addresses.without(addresses.PRIVATE, self.egress_private_cidrs)

    @property
    def url(self) -> str:
        """The base URL that clients use."""
        scheme, default = ("http", 80) if self.tls_mode is TlsMode.OFF else ("https", 443)
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return f"{scheme}://{host}" + ("" if self.port == default else f":{self.port}")
