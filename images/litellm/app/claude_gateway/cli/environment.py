"""How a CLI process is started: its arguments, its environment, and where it may write."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_gateway.config.process_reuse import ProcessReuse
from claude_gateway.config.time_limits import SILENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

CREDENTIALS = ".credentials.json"
STATE = ".claude.json"
# Of the login's .claude.json a process gets who is logged in and the id of this installation, and nothing else.
IDENTITY = ("oauthAccount", "userID")
LONGER_MS = f"{SILENCE_SECONDS * 1100:.0f}"
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "CLAUDE_CODE_ENTRYPOINT": "sdk-py",
    # One upstream call for one request: a retry, a refetch or a second turn would double text and cost.
    "CLAUDE_CODE_MAX_RETRIES": "0",
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
    "CLAUDE_CODE_DISABLE_REFUSAL_RETRY": "1",
    "CLAUDE_CODE_DISABLE_REFUSAL_FALLBACK": "1",
    "CLAUDE_CODE_NO_MODEL_FALLBACK": "1",
    "CLAUDE_CODE_DISABLE_MODEL_ACCESS_FALLBACK": "1",
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1",  # a 400 is retried without them
    # The model and how much it thinks are the client's: no successor of an older model, no effort of the CLI's own.
    "CLAUDE_CODE_DISABLE_LEGACY_MODEL_REMAP": "1",
    "CLAUDE_CODE_EFFORT_LEVEL": "unset",
    # The prompt is the client's: no file mentions, no memory, no reminders of the CLI's own. The count of tokens in a
    # reminder would differ from turn to turn, and with it the prefix that Anthropic caches.
    "CLAUDE_CODE_DISABLE_ATTACHMENTS": "1",
    "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    "CLAUDE_CODE_DISABLE_CLAUDE_MDS": "1",
    "CLAUDE_CODE_TOTAL_TOKENS_REMINDER": "off",
    # How long Claude may be silent is decided by the gateway (process.py); the CLI's own limits are shorter.
    "API_TIMEOUT_MS": LONGER_MS,
    "CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS": LONGER_MS,
    "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": LONGER_MS,
    "CLAUDE_STREAM_IDLE_TIMEOUT_MS": LONGER_MS,
    # No network but the model call. Without it a reused process sends each request a second time, to name the session.
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
}
# Plugins in the binary that read files for the prompt, or help to write plugins.
SETTINGS = {"enabledPlugins": {"agents-md@builtin": False, "plugin-authoring@builtin": False}}
# --tools "" is what keeps the CLI from running a tool that the client defined under the name of one of the CLI's own.
# Any answer exceeds the budget (US dollars), so the CLI never begins a second turn at the client's cost. Slash commands
# stay on for /clear, which is ours (process.py); a client's text is never taken for one. The only settings are those of
# a process's own empty folder, where its system prompts lie.
ARGUMENTS = (
    *("--output-format", "stream-json", "--input-format", "stream-json", "--include-partial-messages", "--verbose"),
    *("--tools", "", "--setting-sources=project", "--strict-mcp-config", "--no-session-persistence"),
    *("--max-turns", "1", "--max-budget-usd", "0.000000001", "--settings", json.dumps(SETTINGS)),
)


def bundled_cli() -> Path:
    """The CLI that the Agent SDK's package brings. Raises RuntimeError without the package."""
    found = importlib.util.find_spec("claude_agent_sdk")  # not imported: that takes a second
    if found is None or found.origin is None:
        raise RuntimeError("claude-agent-sdk, which brings the Claude CLI, is not installed")
    return Path(found.origin).parent / "_bundled" / "claude"


@dataclass(frozen=True, slots=True)
class CliConfig:
    """How many processes there are at most, how many wait for requests, and how they reach Claude.

    `oauth_token` is for CLAUDE_CODE_OAUTH_TOKEN; without it the login lies in `config_dir`, which the CLI renews there.
    `scratch` is a folder in memory for all else that processes write. `environment` holds what else they need: proxy,
    CA bundle, base URL.
    """

    limit: int
    warm: int
    queue_seconds: float
    config_dir: Path
    scratch: Path
    reuse: ProcessReuse = ProcessReuse.CLIENT
    oauth_token: str | None = field(default=None, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict)
    cli: Path = field(default_factory=bundled_cli)

    @property
    def credentials(self) -> Path | None:
        """The login's file, where processes use one: a process from before it was written holds another."""
        return None if self.oauth_token else self.config_dir / CREDENTIALS


def prepare(home: Path, config: CliConfig) -> dict[str, str]:
    """Make the folders of one process below `home`; returns the process's whole environment.

    CLAUDE_CONFIG_DIR, where the CLI keeps sessions, sockets and its state, is in `home`; the login alone is read and
    renewed, under the CLI's own lock, where it lies (CLAUDE_SECURESTORAGE_CONFIG_DIR).
    """
    for folder in (agents(home), home / "config", home / "tmp"):
        folder.mkdir(parents=True, mode=0o700)
    (home / "config" / STATE).write_text(json.dumps(_identity(config)), encoding="utf-8")
    token = {"CLAUDE_CODE_OAUTH_TOKEN": config.oauth_token} if config.oauth_token else {}
    return {
        **ENVIRONMENT,
        **config.environment,
        **token,
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "CLAUDE_CODE_TMPDIR": str(home / "tmp"),
        "CLAUDE_CONFIG_DIR": str(home / "config"),
        "CLAUDE_SECURESTORAGE_CONFIG_DIR": str(config.config_dir),
    }


def working_directory(home: Path) -> Path:
    """Where the process stands: nothing but system prompts is there."""
    return home / "work"


def agents(home: Path) -> Path:
    """Where the CLI looks for agents, which are how a running process gets a system prompt."""
    return working_directory(home) / ".claude" / "agents"


def _identity(config: CliConfig) -> dict[str, Any]:
    try:
        state = json.loads((config.config_dir / STATE).read_text(encoding="utf-8"))
        return {name: state[name] for name in IDENTITY if name in state}
    except (OSError, ValueError, TypeError):
        return {}
