"""The container's entry point: validate, write files, start the server without secrets in its environment."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from claude_gateway.config.files import with_files
from claude_gateway.config.settings import DEVELOPMENT_KEY, SET_KEY, VARIABLES, Settings
from claude_gateway.config.variables import SettingsError, with_stack

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN = Path("/run/litellm")
CA_BUNDLE = "ca-certificates.crt"
CLI_FOLDER = "cli"
# Each stops a download of LiteLLM's at its import, or a phone-home.
ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_TELEMETRY": "False",
    "HF_HUB_OFFLINE": "1",
}
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
HANDOVER_VARIABLE = "GATEWAY_SETTINGS_FD"
# What the server and the CLI may see; anything else (DATABASE_URL, LITELLM_LOG, ...) could change LiteLLM unseen.
PASSED_ON = [
    "PATH",
    "HOME",
    "LANG",
    "TZ",
    "HOSTNAME",
    "PYTHONDONTWRITEBYTECODE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "CLAUDE_CONFIG_DIR",
    "REPLICA",
]


def server_environment(env: Mapping[str, str], run: Path = RUN) -> dict[str, str]:
    """The environment of the server process: no secret, nothing unknown, and LiteLLM's downloads switched off."""
    passed = {name: env[name] for name in PASSED_ON if name in env}
    # Some clients read only the lower-case names.
    proxies = {name.lower(): env[name] for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY") if name in env}
    bundle = str(run / CA_BUNDLE)
    certificates = {"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle, "NODE_EXTRA_CA_CERTS": bundle}
    return {**passed, **proxies, **certificates, **ENVIRONMENT}


def write_files(settings: Settings, run: Path = RUN, system_certificates: Path = SYSTEM_CERTIFICATES) -> None:
    """Write the CA bundle, and make the folder for what the CLI writes, below `run`."""
    extra = settings.upstream_ca_certificates or ""
    bundle = system_certificates.read_text(encoding="ascii", errors="replace")
    _write(run / CA_BUNDLE, f"{bundle}\n{extra}\n" if extra else bundle)
    (run / CLI_FOLDER).mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def hand_over(env: Mapping[str, str]) -> int:
    """Put the settings into an anonymous file that only this process's next program can read; returns its number."""
    descriptor = os.memfd_create("settings", 0)
    os.write(descriptor, json.dumps({name: env[name] for name in VARIABLES if name in env}).encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.set_inheritable(descriptor, True)
    return descriptor


def refuse(message: str) -> NoReturn:
    """Say what is wrong in one line of the container's log, and end."""
    print(f"ERROR: {message}", flush=True)
    raise SystemExit(78)  # EX_CONFIG of sysexits.h


def main() -> NoReturn:
    """Start the gateway in this process. Exits with 78 and one line when a setting is wrong."""
    try:
        env = with_files(os.environ)
    except OSError as error:
        refuse(f"{error.filename} cannot be read: {error.strerror}")
    try:
        settings = Settings.from_environment(env)
    except SettingsError as error:
        refuse(with_stack(str(error), env))
    if settings.litellm_master_key.get_secret_value() == DEVELOPMENT_KEY:
        # On stdout, so that `docker logs NAME | grep WARNING` shows it.
        print(
            f"WARNING: the master key is the well-known development key {DEVELOPMENT_KEY}: for local development only. "
            + with_stack(f"Set your own: {SET_KEY}", env),
            flush=True,
        )
    try:
        write_files(settings)
    except OSError as error:
        refuse(f"{RUN} must be a tmpfs that uid {os.getuid()} can write to: {error.strerror}: {error.filename}")
    server = server_environment(env) | {HANDOVER_VARIABLE: str(hand_over(env))}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "claude_gateway.start.server"], server)
