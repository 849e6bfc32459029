"""Request parameters: which reach Claude through the CLI, which mean nothing, and which are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from claude_gateway.claude.errors import unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

# Passed on in the upstream body as they are (CLAUDE_CODE_EXTRA_BODY).
BODY_PARAMETERS = ("temperature", "top_p", "top_k")
# Handled below, or by LiteLLM itself: none of these changes what the model is asked.
HANDLED = frozenset(
    {
        *("max_tokens", "max_completion_tokens", "stop", "stop_sequences", "stream", "stream_options"),
        *("user", "metadata", "store", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"),
        *("max_retries", "timeout", "extra_headers", *BODY_PARAMETERS),
    }
)
# Values with which an unsupported parameter asks for nothing.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "presence_penalty": (0, 0.0),
    "frequency_penalty": (0, 0.0),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "tools": ([],),
    "functions": ([],),
    "tool_choice": ("none",),
    "function_call": ("none",),
    "parallel_tool_calls": (True, False),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "thinking": ({"type": "disabled"},),
    "reasoning_effort": ("none",),
    "service_tier": ("auto", "default"),
    "extra_body": ({},),
}


def model_environment(parameters: Mapping[str, Any], *, drop: bool) -> dict[str, str]:
    """The CLI's environment settings for one call. Raises ClaudeError(400) for what Claude would not get to see."""
    given = {name: value for name, value in parameters.items() if value is not None}
    if not drop:
        _refuse_unsupported(given)
    environment = {}
    limit = given.get("max_completion_tokens", given.get("max_tokens"))
    if limit is not None:
        environment["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = str(_positive(limit, "max_tokens"))
    body = {name: given[name] for name in BODY_PARAMETERS if name in given}
    _check_range(body)
    stop = given.get("stop", given.get("stop_sequences"))
    if stop:
        body["stop_sequences"] = _stop_sequences(stop)
    if body:
        environment["CLAUDE_CODE_EXTRA_BODY"] = json.dumps(body)
    return environment


def _refuse_unsupported(given: Mapping[str, Any]) -> None:
    wanted = [name for name, value in given.items() if name not in HANDLED and value not in NEUTRAL.get(name, ())]
    if wanted:
        raise unsupported(
            f"Not supported with a Claude login: {', '.join(sorted(wanted))}. Leave it out, use a stack with an "
            "Anthropic API key, or let the gateway ignore it (setting dropParams)."
        )


def _check_range(body: Mapping[str, Any]) -> None:
    for name, highest in (("temperature", 1), ("top_p", 1)):
        value = body.get(name)
        if value is not None and (not _is_number(value) or not 0 <= value <= highest):
            raise unsupported(f"{name} must be a number from 0 to {highest} for Claude.")
    top_k = body.get("top_k")
    if top_k is not None:
        _positive(top_k, "top_k")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _positive(value: Any, name: str) -> int:
    if not _is_number(value) or value != int(value) or value < 1:
        raise unsupported(f"{name} must be a whole number of at least 1.")
    return int(value)


def _stop_sequences(stop: Any) -> list[str]:
    sequences = [stop] if isinstance(stop, str) else stop
    if not isinstance(sequences, list) or not all(isinstance(text, str) and text.strip() for text in sequences):
        raise unsupported("stop must be a text or a list of texts that are not blank.")
    return sequences
