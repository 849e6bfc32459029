"""The container's settings: environment variables in, one validated model out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    PlainValidator,
    SecretStr,
    ValidationError,
    model_validator,
)

from claude_gateway.config import clients, memory
from claude_gateway.config.memory import MIB
from claude_gateway.config.process_reuse import ProcessReuse
from claude_gateway.config.variables import SettingsError, between, form, sentence

DEVELOPMENT_KEY = "sk-development-only"
DRAIN_NOTICE_SECONDS = 3
"""How long the container serves on after SIGTERM while it reports itself unready: the gateway turns away first."""
# Through a pipe: an argument could be read by any process of the machine.
SET_KEY = "printf 'sk-%s' \"$(openssl rand -hex 32)\" | pulumi config set --secret masterKey"

# A bearer token that survives an HTTP header unchanged: visible ASCII, no blanks.
KEY_FORM = f'"sk-" followed by visible ASCII characters without blanks. Set one: {SET_KEY}'
Key = Annotated[SecretStr, form(KEY_FORM, re.compile(r"sk-[\x21-\x7e]+").fullmatch)]
Credential = Annotated[
    SecretStr, form("visible ASCII characters without blanks", re.compile(r"[\x21-\x7e]+").fullmatch)
]
GENERATION_FORM = "1 to 64 letters, digits or ._:- (an ISO date, for instance)"
Generation = Annotated[str, form(GENERATION_FORM, re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}").fullmatch)]
MOMENT_FORM = "a time with a zone such as 2026-11-25T12:00:00Z (RFC 3339)"
Moment = Annotated[AwareDatetime, form(MOMENT_FORM, datetime.fromisoformat, shown=True)]
URL_FORM = "an http(s) URL without credentials or query"
Url = Annotated[str, form(URL_FORM, re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?").fullmatch)]
Pem = Annotated[str, form("PEM (-----BEGIN CERTIFICATE-----)", re.compile("-----BEGIN CERTIFICATE-----").search)]
Switch = Annotated[bool, form("true or false", re.compile("(?i)true|false").fullmatch, shown=True)]
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR"],
    BeforeValidator(str.upper),
    form("DEBUG, INFO, WARNING or ERROR", shown=True),
]
ModelNames = dict[Annotated[str, Field(pattern=r"\S")], Annotated[str, Field(pattern=r"^[A-Za-z0-9._:@/\[\]-]+$")]]
MODELS_FORM = 'a JSON object of a public name or more to upstream models, such as {"sonnet": "claude-sonnet-5-5"}'
Models = Annotated[Json[Annotated[ModelNames, Field(min_length=1)]], form(MODELS_FORM)]
Clients = Annotated[tuple[clients.Client, ...], PlainValidator(clients.parse)]
Scraper = Annotated[clients.Client | None, PlainValidator(clients.scraper)]


class ClaudeAuth(StrEnum):
    """How requests are paid for; never two ways at once."""

    LOGIN = "login"  # `claude auth login`, kept in the claude-auth volume
    TOKEN = "token"  # noqa: S105 - a name; CLAUDE_CODE_OAUTH_TOKEN, made by `claude setup-token`
    API_KEY = "api-key"  # ANTHROPIC_API_KEY, straight to Anthropic; no CLI


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One generation of the master key. `expires` is None for a key that does not expire."""

    value: SecretStr
    generation: str
    expires: datetime | None = None


class Settings(BaseModel):
    """Everything the container is told, each by its variable. Durations are in seconds."""

    model_config = ConfigDict(alias_generator=str.upper, frozen=True, hide_input_in_errors=True)

    litellm_master_key: Key
    litellm_key_generation: Generation = "current"
    litellm_previous_master_key: Key | None = None
    litellm_previous_key_generation: Generation = "previous"
    litellm_previous_key_expires: Moment | None = None
    master_key_calls_models: Switch = True
    clients: Clients = Field((), alias="GATEWAY_CLIENTS")
    scraper: Scraper = Field(None, alias="METRICS_KEY_SHA256")
    models: Models = Field(alias="GATEWAY_MODELS")
    claude_auth: ClaudeAuth = ClaudeAuth.LOGIN
    claude_code_oauth_token: Credential | None = None
    anthropic_api_key: Credential | None = None
    anthropic_base_url: Annotated[Url, AfterValidator(lambda url: url.rstrip("/"))] | None = None
    upstream_ca_certificates: Pem | None = None
    claude_warm_processes: Annotated[int, between(0, 64)] = 2
    claude_max_concurrency: Annotated[int, between(1, 256)] = 4
    claude_queue_seconds: Annotated[float, between(0, 600, "a number")] = 10
    claude_process_reuse: ProcessReuse = ProcessReuse.CLIENT
    memory_mib: Annotated[int, between(512, 999_999)] = 3072
    max_request_bytes: Annotated[int, between(1024, 256 * MIB)] = 32 * MIB
    failed_auth_per_minute: Annotated[int, between(1, 10_000)] = 10
    drain_seconds: Annotated[int, between(1, 86_400)] = 600
    drain_notice_seconds: Annotated[float, between(0, 60, "a number")] = DRAIN_NOTICE_SECONDS
    drop_params: Switch = False
    usage_days: Annotated[int, between(0, 3650)] = 0
    valkey_host: str = ""
    valkey_password: SecretStr | None = None
    log_level: LogLevel = "INFO"

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Self:
        """Read and validate `env`, in which empty is not set. Raises SettingsError at the first wrong value."""
        required = {str(field.alias): "" for field in cls.model_fields.values() if field.is_required()}
        try:
            return cls.model_validate(required | {name: value for name, value in env.items() if value})
        except ValidationError as error:
            raise SettingsError(sentence(error.errors()[0])) from None

    @property
    def current_key(self) -> MasterKey:
        """The master key in force."""
        return MasterKey(self.litellm_master_key, self.litellm_key_generation)

    @property
    def previous_key(self) -> MasterKey | None:
        """The one before it, while a rotation lasts."""
        key, generation = self.litellm_previous_master_key, self.litellm_previous_key_generation
        return MasterKey(key, generation, self.litellm_previous_key_expires) if key else None

    @property
    def credential(self) -> SecretStr | None:
        """The secret that `claude_auth` needs; the other one is absent."""
        return self.claude_code_oauth_token or self.anthropic_api_key

    @property
    def processes(self) -> int:
        """How many CLI processes there may be."""
        return 0 if self.claude_auth is ClaudeAuth.API_KEY else self.claude_max_concurrency

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """All secrets, for the log's redaction."""
        return tuple(value for _, value in self if isinstance(value, SecretStr))

    @model_validator(mode="after")
    def _a_rotation_has_two_keys(self) -> Self:
        if self.litellm_previous_master_key == self.litellm_master_key:
            raise ValueError(
                "LITELLM_PREVIOUS_MASTER_KEY equals LITELLM_MASTER_KEY: a rotation needs a new key. Run: make rotate"
            )
        return self

    @model_validator(mode="after")
    def _the_credential_is_there_and_alone(self) -> Self:
        """An API key would beat an OAuth login silently."""
        for auth, variable, setting, credential in (
            (ClaudeAuth.TOKEN, "CLAUDE_CODE_OAUTH_TOKEN", "claudeOauthToken", self.claude_code_oauth_token),
            (ClaudeAuth.API_KEY, "ANTHROPIC_API_KEY", "anthropicApiKey", self.anthropic_api_key),
        ):
            if credential and self.claude_auth is not auth:
                raise ValueError(
                    f"{variable} is set although CLAUDE_AUTH is {self.claude_auth}: two ways into Claude never share a "
                    "container. Keep one: pulumi config rm claudeOauthToken, or pulumi config rm anthropicApiKey"
                )
            if self.claude_auth is auth and not credential:
                fix = f"pulumi config set --secret {setting}"
                raise ValueError(f"CLAUDE_AUTH is {auth} but {variable} is missing. Set it: {fix}")
        return self

    @model_validator(mode="after")
    def _it_fits_into_the_memory(self) -> Self:
        if self.claude_warm_processes > self.claude_max_concurrency:
            raise ValueError(
                f"CLAUDE_WARM_PROCESSES is {self.claude_warm_processes}, more than CLAUDE_MAX_CONCURRENCY "
                f"({self.claude_max_concurrency}): lower claudeWarmProcesses or raise claudeMaxConcurrency"
            )
        if problem := memory.fault(self.memory_mib, self.processes, self.max_request_bytes):
            raise ValueError(problem)
        return self


VARIABLES = {str(field.alias): field for field in Settings.model_fields.values()}
SECRET_VARIABLES = frozenset(name for name, field in VARIABLES.items() if "SecretStr" in str(field.annotation)) | {
    "GATEWAY_CLIENTS",
    "METRICS_KEY_SHA256",
}
