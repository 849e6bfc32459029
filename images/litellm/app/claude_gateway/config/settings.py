"""The container's settings: environment variables in, one validated dataclass out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import SecretStr

from claude_gateway.config import clients, memory, variables
from claude_gateway.config.memory import MIB
from claude_gateway.config.process_reuse import ProcessReuse
from claude_gateway.config.variables import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_gateway.config.clients import Client

DEVELOPMENT_KEY = "sk-development-only"
DRAIN_NOTICE_SECONDS = 3
"""How long the container serves on after SIGTERM while it reports itself unready: the gateway turns away first."""
SECRET_VARIABLES = (
    "LITELLM_MASTER_KEY",
    "LITELLM_PREVIOUS_MASTER_KEY",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "ANTHROPIC_API_KEY",
    clients.VARIABLE,
    clients.METRICS_VARIABLE,
    "VALKEY_PASSWORD",
)
# Through a pipe: an argument could be read by any process of the machine.
SET_KEY = "printf 'sk-%s' \"$(openssl rand -hex 32)\" | pulumi config set --secret masterKey"
# A bearer token that survives an HTTP header unchanged: visible ASCII, no blanks.
KEY_PATTERN = re.compile(r"sk-[\x21-\x7e]+")
GENERATION_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


class ClaudeAuth(StrEnum):
    """How requests are paid for; never two ways at once."""

    LOGIN = "login"  # `claude auth login`, kept in the claude-auth volume
    TOKEN = "token"  # noqa: S105 - a name; CLAUDE_CODE_OAUTH_TOKEN, made by `claude setup-token`
    API_KEY = "api-key"  # ANTHROPIC_API_KEY, straight to Anthropic; no CLI


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One generation of the master key. `expires` (UTC) is None for a key that does not expire."""

    value: SecretStr
    generation: str
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the container is told. Durations are in seconds."""

    current_key: MasterKey
    previous_key: MasterKey | None
    clients: tuple[Client, ...]
    scraper: Client | None
    master_key_calls_models: bool
    models: Mapping[str, str]
    auth: ClaudeAuth
    credential: SecretStr | None
    base_url: str | None
    ca_certificates: str | None
    warm_processes: int
    max_concurrency: int
    queue_seconds: float
    drain_seconds: int
    drain_notice_seconds: float
    max_request_bytes: int
    failed_auth_per_minute: int
    valkey_host: str
    valkey_password: SecretStr | None
    memory_mib: int
    reuse: ProcessReuse
    drop_params: bool
    usage_days: int
    log_level: str

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """All secrets, for the log's redaction."""
        previous = self.previous_key.value if self.previous_key else None
        found = [self.current_key.value, previous, self.credential, self.valkey_password]
        return tuple(secret for secret in found if secret is not None)

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Settings:
        """Read and validate `env`. Raises SettingsError at the first wrong value."""
        auth = variables.choice(env, "CLAUDE_AUTH", ClaudeAuth.LOGIN)
        warm = int(variables.number(env, "CLAUDE_WARM_PROCESSES", "2", 0, 64))
        concurrency = int(variables.number(env, "CLAUDE_MAX_CONCURRENCY", "4", 1, 256))
        if warm > concurrency:
            raise SettingsError(
                f"CLAUDE_WARM_PROCESSES is {warm}, more than CLAUDE_MAX_CONCURRENCY ({concurrency}): "
                "lower claudeWarmProcesses or raise claudeMaxConcurrency"
            )
        memory_mib = int(variables.number(env, "MEMORY_MIB", "3072", 512, 999_999))
        max_request_bytes = int(variables.number(env, "MAX_REQUEST_BYTES", str(32 * MIB), 1024, 256 * MIB))
        processes = 0 if auth is ClaudeAuth.API_KEY else concurrency
        if problem := memory.fault(memory_mib, processes, max_request_bytes):
            raise SettingsError(problem)
        return cls(
            current_key=_current_key(env),
            previous_key=_previous_key(env),
            clients=clients.parse(env.get(clients.VARIABLE, "")),
            scraper=clients.scraper(env[clients.METRICS_VARIABLE]) if env.get(clients.METRICS_VARIABLE) else None,
            master_key_calls_models=variables.boolean(env, "MASTER_KEY_CALLS_MODELS", "true"),
            models=_models(env.get("GATEWAY_MODELS", "")),
            auth=auth,
            credential=_credential(env, auth),
            base_url=_base_url(env.get("ANTHROPIC_BASE_URL", "")),
            ca_certificates=_certificates(env.get("UPSTREAM_CA_CERTIFICATES", "")),
            warm_processes=warm,
            max_concurrency=concurrency,
            queue_seconds=variables.number(env, "CLAUDE_QUEUE_SECONDS", "10", 0, 600),
            drain_seconds=int(variables.number(env, "DRAIN_SECONDS", "600", 1, 86_400)),
            drain_notice_seconds=variables.number(env, "DRAIN_NOTICE_SECONDS", str(DRAIN_NOTICE_SECONDS), 0, 60),
            max_request_bytes=max_request_bytes,
            failed_auth_per_minute=int(variables.number(env, "FAILED_AUTH_PER_MINUTE", "10", 1, 10_000)),
            valkey_host=env.get("VALKEY_HOST", ""),
            valkey_password=SecretStr(env["VALKEY_PASSWORD"]) if env.get("VALKEY_PASSWORD") else None,
            memory_mib=memory_mib,
            reuse=variables.choice(env, "CLAUDE_PROCESS_REUSE", ProcessReuse.CLIENT),
            drop_params=variables.boolean(env, "DROP_PARAMS", "false"),
            usage_days=int(variables.number(env, "USAGE_DAYS", "0", 0, 3650)),
            log_level=variables.log_level(env.get("LOG_LEVEL", "INFO")),
        )


def _current_key(env: Mapping[str, str]) -> MasterKey:
    value = env.get("LITELLM_MASTER_KEY", "")
    if not value:
        raise SettingsError(
            f"LITELLM_MASTER_KEY is missing: the gateway does not start without a master key. Set one: {SET_KEY}"
        )
    _check_key(value, "LITELLM_MASTER_KEY")
    generation = _generation(env.get("LITELLM_KEY_GENERATION", "current"), "LITELLM_KEY_GENERATION")
    return MasterKey(SecretStr(value), generation)


def _previous_key(env: Mapping[str, str]) -> MasterKey | None:
    value = env.get("LITELLM_PREVIOUS_MASTER_KEY", "")
    if not value:
        return None
    _check_key(value, "LITELLM_PREVIOUS_MASTER_KEY")
    if value == env.get("LITELLM_MASTER_KEY"):
        raise SettingsError(
            "LITELLM_PREVIOUS_MASTER_KEY equals LITELLM_MASTER_KEY: a rotation needs a new key. Run: make rotate"
        )
    generation = _generation(env.get("LITELLM_PREVIOUS_KEY_GENERATION", "previous"), "LITELLM_PREVIOUS_KEY_GENERATION")
    return MasterKey(SecretStr(value), generation, _expiry(env.get("LITELLM_PREVIOUS_KEY_EXPIRES", "")))


def _check_key(value: str, name: str) -> None:
    if not value.startswith("sk-"):
        raise SettingsError(f'{name} does not start with "sk-". Set one: {SET_KEY}')
    if not KEY_PATTERN.fullmatch(value):
        raise SettingsError(f'{name} must be "sk-" followed by visible ASCII characters without blanks')


def _generation(value: str, name: str) -> str:
    if not GENERATION_PATTERN.fullmatch(value):
        raise SettingsError(f"{name} must be 1 to 64 letters, digits or ._:- (an ISO date, for instance)")
    return value


def _expiry(text: str) -> datetime | None:
    if not text:
        return None
    try:
        expires = datetime.fromisoformat(text)
    except ValueError:
        expires = None
    if expires is None or expires.tzinfo is None:
        raise SettingsError(
            f"LITELLM_PREVIOUS_KEY_EXPIRES is {text!r}, not a time with a zone such as 2026-11-25T12:00:00Z (RFC 3339)"
        )
    return expires.astimezone(UTC)


def _models(text: str) -> Mapping[str, str]:
    wanted = (
        'GATEWAY_MODELS must be a JSON object of public name to upstream model, such as {"sonnet": "claude-sonnet-5-5"}'
    )
    try:
        models = json.loads(text)
    except ValueError:
        raise SettingsError(f"{wanted}; it is not JSON") from None
    if not isinstance(models, dict) or not models:
        raise SettingsError(f"{wanted}; it is empty or not an object")
    for name, upstream in models.items():
        if not name.strip() or not isinstance(upstream, str) or not re.fullmatch(r"[A-Za-z0-9._:@/\[\]-]+", upstream):
            raise SettingsError(f"{wanted}; the entry {name!r} is not")
    return models


def _credential(env: Mapping[str, str], auth: ClaudeAuth) -> SecretStr | None:
    """The secret that `auth` needs. The other one must be absent: an API key beats an OAuth login silently."""
    token, api_key = env.get("CLAUDE_CODE_OAUTH_TOKEN", ""), env.get("ANTHROPIC_API_KEY", "")
    rules = {
        ClaudeAuth.LOGIN: ("", {"CLAUDE_CODE_OAUTH_TOKEN": token, "ANTHROPIC_API_KEY": api_key}),
        ClaudeAuth.TOKEN: (token, {"ANTHROPIC_API_KEY": api_key}),
        ClaudeAuth.API_KEY: (api_key, {"CLAUDE_CODE_OAUTH_TOKEN": token}),
    }
    credential, others = rules[auth]
    for name, value in others.items():
        if value:
            raise SettingsError(
                f"{name} is set although CLAUDE_AUTH is {auth}: two ways into Claude never share a container. "
                "Keep one: pulumi config rm claudeOauthToken, or pulumi config rm anthropicApiKey"
            )
    if auth is ClaudeAuth.LOGIN:
        return None
    if not credential:
        missing = "CLAUDE_CODE_OAUTH_TOKEN" if auth is ClaudeAuth.TOKEN else "ANTHROPIC_API_KEY"
        key = "claudeOauthToken" if auth is ClaudeAuth.TOKEN else "anthropicApiKey"
        raise SettingsError(f"CLAUDE_AUTH is {auth} but {missing} is missing. Set it: pulumi config set --secret {key}")
    if not re.fullmatch(r"[\x21-\x7e]+", credential):
        raise SettingsError(f"the credential for CLAUDE_AUTH={auth} has blanks or non-ASCII characters in it")
    return SecretStr(credential)


def _base_url(text: str) -> str | None:
    if text and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise SettingsError("ANTHROPIC_BASE_URL must be an http(s) URL without credentials or query")
    return text.rstrip("/") or None


def _certificates(text: str) -> str | None:
    if text and "-----BEGIN CERTIFICATE-----" not in text:
        raise SettingsError("UPSTREAM_CA_CERTIFICATES must be PEM (-----BEGIN CERTIFICATE-----)")
    return text or None
