"""An Anthropic Messages request as the CLI takes it: a model, a system text, one short user line, and variables.

The conversation itself travels in CLAUDE_CODE_EXTRA_BODY, which the CLI lays over its own request body key by key: what
is in it reaches Anthropic as the same JSON (messages, tools, tool_choice, thinking, output_config, ...). Three things
stay the CLI's own: `system` (its attribution and its first sentence, then the client's text), `metadata`, the headers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claude_gateway.cli.caching import caching
from claude_gateway.cli.errors import UpstreamError
from claude_gateway.cli.models import adds_temperature, has_effort

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PASSED = frozenset(
    {
        *("messages", "max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "tools", "tool_choice"),
        *("thinking", "output_config", "output_format", "context_management", "service_tier", "cache_control"),
        *("inference_geo", "compaction", "diagnostics", "fallbacks", "fallback_credit_token"),
        "safeguards",
    }
)
OWN = frozenset({"model", "system", "stream", "metadata"})  # handled below, or the CLI's own
REFUSED = {
    "container": "its files belong to the gateway's one Claude account, so other clients could read them",
    "mcp_servers": "Anthropic would call them for the gateway's Claude account; run the MCP client on your side",
    "speed": "it is paid from the extra usage of the gateway's Claude account, not from its plan",
}
HARMLESS = {"mcp_servers": [], "speed": "standard"}  # what holds without the field
ADVICE = "Leave it out, or use a gateway with an Anthropic API key."
# Every variable that a request may set, at its default: all are written for each request, because the CLI merges what
# it is told with what it knows, and removes nothing.
DEFAULTS = {
    "CLAUDE_CODE_EXTRA_BODY": "{}",
    "ANTHROPIC_BETAS": "",
    "CLAUDE_CODE_DISABLE_THINKING": "1",
    "CLAUDE_CODE_PROMPT_CACHE_TTL": "",
    "DISABLE_PROMPT_CACHING": "",
}
# Sent by the CLI itself, and not what a client sends.
CLI_BETAS = frozenset({"claude-code-20250219", "oauth-2025-04-20", "interleaved-thinking-2025-05-14"})
BETA = re.compile(r"[a-z0-9][a-z0-9-]{0,80}")
CONTEXT_BETA = "context-management-2025-06-27"
EFFORT_BETA = "effort-2025-11-24"  # the CLI sends it only for an effort of its own
LINE_CHARACTERS = 200
MAX_WHOLE_NUMBER = 2**53  # the CLI is JavaScript, which rounds greater ones
TOO_MANY_DIGITS = "messages: with a Claude login a number of more than 15 digits would be rounded; send it as a text"
# The CLI takes a system prompt that begins so for its own attribution and sends that instead: Claude Code as a client
# sends one, and anybody could.
ATTRIBUTION = re.compile(r"\A(?:[\s\ufeff]*x-anthropic-billing-header[^\n]*\n*)+", re.IGNORECASE)
# What a system prompt loses on its way through an agent's file.
LOST_IN_A_FILE = ("\ufeff", "__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__")


@dataclass(frozen=True, slots=True)
class CliRequest:
    """What one process is told. `line` is the CLI's user line; what it sends are the messages in `environment`."""

    model: str
    system: str
    line: str
    environment: Mapping[str, str]

    @property
    def betas(self) -> str:
        return self.environment["ANTHROPIC_BETAS"]

    @property
    def needs_own_process(self) -> bool:
        """Whether the system text arrives unchanged only when a process is started for it."""
        lost = any(mark in self.system for mark in LOST_IN_A_FILE)
        return lost or self.system != self.system.strip()


def cli_request(body: Mapping[str, Any], betas: Sequence[str] = ()) -> CliRequest:
    """Translate a Messages request. Raises UpstreamError(400) for what cannot be passed on with a Claude login."""
    given = {name: value for name, value in body.items() if value not in (None, HARMLESS.get(name))}
    for name in given:
        if name not in PASSED | OWN:
            why = REFUSED.get(name, "the gateway does not know it")
            raise UpstreamError(400, f"{name}: not supported with a Claude login: {why}. {ADVICE}")
    messages = given.get("messages")
    if not isinstance(messages, list) or not messages:
        raise UpstreamError(400, "messages: at least one message is required")
    extra = {name: value for name, value in given.items() if name in PASSED}
    environment = {**DEFAULTS, **caching(given, extra)}
    model = str(given.get("model"))
    if (extra.get("output_config") or {}).get("effort") and not has_effort(model):
        raise UpstreamError(400, "output_config.effort: this model does not support the effort parameter")
    if "top_p" in extra and "temperature" not in extra and adds_temperature(model):
        extra.setdefault("thinking", {"type": "disabled"})  # the same to Anthropic, and the CLI adds nothing beside it
    if "thinking" in extra:
        environment["CLAUDE_CODE_DISABLE_THINKING"] = ""
        if CONTEXT_BETA in betas:
            extra.setdefault("context_management", {"edits": []})  # else the CLI has all thoughts kept
    _check_numbers(messages)
    environment["ANTHROPIC_BETAS"] = ",".join(_betas(betas, extra))
    try:
        environment["CLAUDE_CODE_EXTRA_BODY"] = json.dumps(extra, separators=(",", ":"), allow_nan=False)
    except ValueError:
        raise UpstreamError(400, "The request holds a number that JSON does not know (NaN or infinite).") from None
    return CliRequest(model, system_text(given.get("system")), _line(messages), environment)


def system_text(system: Any) -> str:
    """One text, because the CLI knows no blocks; without an attribution at the beginning of any block."""
    texts = [system] if isinstance(system, str) else [block.get("text") or "" for block in system or []]
    kept = filter(None, (ATTRIBUTION.sub("", text) for text in texts))
    return "\n\n".join(kept)


def _line(messages: list[Any]) -> str:
    """The beginning of the first user text: the CLI's attribution is computed from it, so it has to be the real one."""
    for message in messages:
        if message.get("role") == "user":
            content = message.get("content")
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
            texts = [block.get("text") for block in blocks if block.get("type") == "text"]
            return next((text for text in texts if text and text.strip()), ".")[:LINE_CHARACTERS]
    return "."


def _check_numbers(messages: list[Any]) -> None:
    """Refuse whole numbers that would arrive as others. In the schemas of tools they are bounds, and may be rounded."""
    left: list[Any] = [messages]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
        elif isinstance(value, int) and abs(value) > MAX_WHOLE_NUMBER:
            raise UpstreamError(400, TOO_MANY_DIGITS)


def _betas(names: Sequence[str], extra: Mapping[str, Any]) -> list[str]:
    for name in names:
        if not BETA.fullmatch(name):
            raise UpstreamError(400, f"anthropic-beta: {name!r} is not the name of a beta")
    effort = [EFFORT_BETA] if (extra.get("output_config") or {}).get("effort") else []
    return [name for name in dict.fromkeys([*names, *effort]) if name not in CLI_BETAS]
