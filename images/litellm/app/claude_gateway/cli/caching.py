"""Who marks what for Anthropic's prompt cache: the client, or the CLI.

Anthropic takes four marks in a request, and none of an hour after one of five minutes
(https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching). The CLI sets two, both in `system`, which comes
after the tools and before the messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_MARKS, CLI_MARKS = 4, 2
HOUR, MINUTES = "1h", "5m"


def caching(body: Mapping[str, Any], extra: dict[str, Any]) -> dict[str, str]:
    """The CLI's variables for `body`; may put a mark of its own into `extra`, which is what the CLI will send.

    A client that marks anything decides alone: the CLI's marks go, unless the client has marked its system prompt and
    there is room for the CLI's two. One that marks nothing gets what the CLI does: system and the last message.
    """
    system = body.get("system") if isinstance(body.get("system"), list) else []
    in_system = [block["cache_control"] for block in system or [] if block.get("cache_control")]
    before, after = list(_marks(body.get("tools"))), list(_marks(body.get("messages")))
    if body.get("cache_control"):
        after.append(body["cache_control"])
    if not in_system and not before and not after:
        extra["messages"] = _last_marked(extra["messages"])
        return {"CLAUDE_CODE_PROMPT_CACHE_TTL": HOUR}
    if not in_system or len(before) + len(after) > MAX_MARKS - CLI_MARKS:
        return {"DISABLE_PROMPT_CACHING": "1"}
    return {"CLAUDE_CODE_PROMPT_CACHE_TTL": in_system[-1].get("ttl") or MINUTES}


def _marks(value: Any) -> Iterator[Any]:
    """Every cache_control in blocks and tools; not what looks like one inside a tool's input or schema."""
    if isinstance(value, list):
        for item in value:
            yield from _marks(item)
    elif isinstance(value, dict):
        if value.get("cache_control"):
            yield value["cache_control"]
        if isinstance(value.get("content"), list):
            yield from _marks(value["content"])


def _last_marked(messages: list[Any]) -> list[Any]:
    last = messages[-1]
    content = last.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content or [])
    if last.get("role") != "user" or not blocks or not isinstance(blocks[-1], dict):
        return messages
    if blocks[-1].get("type") == "text" and not blocks[-1].get("text"):
        return messages  # an empty text cannot be marked
    blocks[-1] = {**blocks[-1], "cache_control": {"type": "ephemeral", "ttl": HOUR}}
    return [*messages[:-1], {**last, "content": blocks}]
