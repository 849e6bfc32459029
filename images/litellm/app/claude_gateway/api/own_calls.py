"""The calls in an answer on chat completions: those of the client's tools alone.

Anthropic's own tools, such as its search of the web, have run when their call arrives; LiteLLM gives them to the client
as calls that it should answer. What they found is in the text, and beside it in `provider_specific_fields`.
"""

from __future__ import annotations

from typing import Any

from litellm.types.llms.anthropic import ANTHROPIC_SERVER_TOOL_USE_ID_PREFIX


def has_run(identifier: str | None) -> bool:
    """Whether a call of this id is one that Anthropic has answered itself."""
    return (identifier or "").startswith(ANTHROPIC_SERVER_TOOL_USE_ID_PREFIX)


def in_message(message: dict[str, Any]) -> None:
    """Of a whole answer; it is changed in place."""
    calls = [call for call in message.get("tool_calls") or () if not has_run(call["id"])]
    for call in calls:
        call.pop("index", None)  # OpenAI's has none; clients send it back in other places
    message["tool_calls"] = calls or None


class OwnCalls:
    """Of one stream: its parts lose the other calls, and the rest is counted anew."""

    def __init__(self) -> None:
        self._places: dict[int, int | None] = {}
        self._count = 0

    def alone_in(self, part: Any) -> Any:
        """Returns `part`, which is LiteLLM's and is changed in place."""
        for choice in part.choices:
            calls = getattr(choice.delta, "tool_calls", None)
            if calls:
                choice.delta.tool_calls = [call for call in calls if self._kept(call)] or None
        return part

    def _kept(self, call: Any) -> bool:
        if call.id:
            self._places[call.index] = None if has_run(call.id) else self._count
            self._count += not has_run(call.id)
        place = self._places.get(call.index, call.index)
        if place is not None:
            call.index = place
        return place is not None
