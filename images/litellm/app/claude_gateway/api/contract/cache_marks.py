"""A message's mark for the cache, where LiteLLM finds it: beside a text, or on the last part or call of several."""

from __future__ import annotations

from typing import Any

COPILOTS = "copilot_cache_control"
"""The name that GitHub Copilot in VS Code has for it, whatever model it asks."""


def place_mark(message: dict[str, Any]) -> None:
    """Changes `message` in place. The result of a tool keeps it: it is one block, whatever it holds."""
    mark = message.pop("cache_control", None) or message.get(COPILOTS)
    message.pop(COPILOTS, None)
    if not mark:
        return
    inside = message.get("content") or message.get("tool_calls")
    if isinstance(inside, list) and message["role"] != "tool":
        inside[-1].setdefault("cache_control", mark)
    else:
        message["cache_control"] = mark
