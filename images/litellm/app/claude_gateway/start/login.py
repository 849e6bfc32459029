"""`claude-login`: the Claude login, walked through in the running container (over SSH too, without a browser here)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_gateway.config.settings import ClaudeAuth
from claude_gateway.config.variables import with_stack
from claude_gateway.start.entry import RUN, server_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

CLI = "claude"
SCOPE = "user:inference"
"""Without it the CLI takes a login for none (CLI 2.1.331)."""


def credentials_path(env: Mapping[str, str]) -> Path:
    """Where the CLI keeps its login: in CLAUDE_CONFIG_DIR, which is the claude-auth volume."""
    return Path(env.get("CLAUDE_CONFIG_DIR", "/home/app/.claude")) / ".credentials.json"


def _login_in(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))["claudeAiOauth"]


def describe_login(path: Path, now: datetime) -> tuple[bool, str]:
    """Whether `path` holds a usable login, and one sentence about it. Never shows a token.

    The CLI's own `auth status` calls an expired login logged in and goes to the network, so the file is read instead.
    """
    try:
        login = _login_in(path)
        expires = datetime.fromtimestamp(login["expiresAt"] / 1000, UTC)
        refreshable = bool(login.get("refreshToken"))
        if not login["accessToken"]:
            raise ValueError("empty")
        allowed = SCOPE in (login.get("scopes") or ())
    except FileNotFoundError:
        return False, f"There is no login: {path} does not exist."
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        return False, f"{path} is not a login that the gateway can use ({type(error).__name__})."
    mode = path.stat().st_mode & 0o777
    if mode & 0o077 or not allowed:
        fault = f"can be read by others (mode {mode:o})" if allowed else f"may not ask Claude: its scopes lack {SCOPE}"
        return False, f"{path} {fault}."
    if refreshable:
        return True, f"Logged in. The access token runs until {expires:%Y-%m-%d %H:%M} UTC and renews itself."
    if expires > now:
        return True, f"Logged in until {expires:%Y-%m-%d %H:%M} UTC; this login does not renew itself."
    return False, f"The login ran out at {expires:%Y-%m-%d %H:%M} UTC and cannot renew itself."


def login_end(path: Path) -> float | None:
    """When the login in `path` ends (Unix time); None for one that renews itself, or where there is none to read."""
    try:
        login = _login_in(path)
        return None if login.get("refreshToken") else float(login["expiresAt"]) / 1000
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def main(argv: list[str] | None = None) -> int:
    """Log in, or with `--status` only tell. Returns 0 when there is a usable login at the end."""
    arguments = sys.argv[1:] if argv is None else argv
    auth = os.environ.get("CLAUDE_AUTH") or ClaudeAuth.LOGIN
    if auth != ClaudeAuth.LOGIN:
        print(
            f"This gateway does not use a login (CLAUDE_AUTH is {auth}); nothing to do. To use one: remove the secret"
        )
        how = "claudeOauthToken or anthropicApiKey from the stack's configuration, run make up, then make login."
        print(with_stack(how, os.environ))
        return 1
    path = credentials_path(os.environ)
    if "--status" not in arguments and not _log_in(path):
        return 1
    good, sentence = describe_login(path, datetime.now(UTC))
    print(sentence if good else f"{sentence} {with_stack('Log in: make login', os.environ)}")
    return 0 if good else 1


def _log_in(path: Path) -> bool:
    if path.is_dir() or (path.is_symlink() and not path.exists()):  # what was adopted: the CLI could not write there
        path.rename(path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S}"))
    before = _stamp(path)
    print("Open the address below in any browser, log in to Claude, and paste the code here.", flush=True)
    status = subprocess.run([CLI, "auth", "login"], env=server_environment(os.environ, RUN), check=False).returncode
    if status != 0 or _stamp(path) == before:
        print(
            f"The login was not completed (exit status {status}); the earlier state is unchanged. "
            + with_stack("Try again: make login", os.environ)
        )
        return False
    path.chmod(0o600)  # the CLI leaves the mode of a file that was there
    return True


def _stamp(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
