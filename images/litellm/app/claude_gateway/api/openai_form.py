"""Chat completions and completions to the letter of OpenAI's, where LiteLLM's differ.

Clients with types of their own read no answer that lacks a field, or has null for a number.
https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

from typing import Any

TOKENS: dict[str, tuple[str, ...]] = {
    "completion_tokens_details": (
        *("accepted_prediction_tokens", "audio_tokens", "reasoning_tokens", "rejected_prediction_tokens"),
    ),
    "prompt_tokens_details": ("audio_tokens", "cached_tokens"),
}
"""Kinds of tokens that OpenAI always counts, most of which Claude does not have."""
LEFT_OUT_AS_NULL = ("tool_calls", "function_call", "provider_specific_fields")


def message(made: dict[str, Any]) -> None:
    """Of a whole answer; it is changed in place."""
    made["provider_specific_fields"] = _without_nulls(made.get("provider_specific_fields") or {}) or None
    for name in LEFT_OUT_AS_NULL:
        if made.get(name) is None:
            made.pop(name, None)
    made.setdefault("refusal", None)


def usage(said: dict[str, Any]) -> dict[str, Any]:
    """Of a whole answer or a stream."""
    made = _without_nulls(said)
    for kind, names in TOKENS.items():
        made[kind] = dict.fromkeys(names, 0) | _without_nulls(made.get(kind) or {})
    return made


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    return {name: member for name, member in value.items() if member is not None}
