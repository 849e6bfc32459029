"""Anthropic's Messages API: what is decided about its fields; their types are the `anthropic` package's.

Whatever the API itself understands passes, its own server-side tools included. What reaches beyond one request, its
models and its account is the operator's, and refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anthropic.types.beta import message_create_params
from pydantic_core import core_schema

from claude_gateway.api.contract.rules import PASSED, UNSET, Decision, Rules, passed_but, refused
from claude_gateway.api.contract.schema import FROM_ZERO, SHARE, Shape
from claude_gateway.errors import NO_THREAD

REQUEST = message_create_params.MessageCreateParamsBase
# Clients send these, and the API takes them; the package has left them out, or gives them to its other classes.
ADDED: dict[str, Any] = {
    "temperature": SHARE,
    "top_p": SHARE,
    "top_k": FROM_ZERO,
    "stream": bool,
    "output_format": message_create_params.OutputFormat,  # the first name of output_config.format
    "safeguards": list[dict[str, object]],  # Claude Code's plan mode asks what its tools may do
}
HEADERS = frozenset({"betas", "user_profile_id", "workspace_id"})
MESSAGES: dict[str, Decision] = {
    "billing_policy": refused("who pays is decided by the gateway's operator"),
    "cache_control": PASSED,
    "compaction": PASSED,
    "container": PASSED,
    "context_management": PASSED,
    "diagnostics": PASSED,
    "fallback_credit_token": PASSED,
    "fallbacks": PASSED,
    "inference_geo": PASSED,
    "max_tokens": PASSED,
    "mcp_servers": PASSED,
    "messages": PASSED,
    "metadata": PASSED,
    "model": PASSED,
    "output_config": PASSED,
    "output_format": PASSED,
    "safeguards": PASSED,
    "service_tier": PASSED,
    "speed": PASSED,
    "stop_sequences": PASSED,
    "stream": PASSED,
    "system": PASSED,
    "temperature": PASSED,
    "thinking": PASSED,
    "thread": refused("no conversation is kept here", code=NO_THREAD),
    "tool_choice": PASSED,
    "tools": PASSED,
    "top_k": passed_but(UNSET),
    "top_p": passed_but(UNSET),
}
# Taken and left out, so that tokens can be counted for every request that /v1/messages takes.
NOT_COUNTED = (
    *("container", "diagnostics", "fallback_credit_token", "fallbacks", "inference_geo", "max_tokens", "metadata"),
    *("output_format", "safeguards", "service_tier", "stop_sequences", "stream", "temperature", "top_k", "top_p"),
)
COUNT_TOKENS = MESSAGES | {name: replace(MESSAGES[name], means_nothing=True) for name in NOT_COUNTED}
# Anthropic fetches these, and takes no other scheme.
HTTPS = {"url": core_schema.str_schema(pattern=r"^https://")}
SHAPE = Shape(
    fields={
        REQUEST.__name__: {"max_tokens": FROM_ZERO},  # with 0 the cache is filled, and nothing answered
        "BetaURLImageSourceParam": HTTPS,
        "BetaURLPDFSourceParam": HTTPS,
    }
)
NEEDED = frozenset({"messages", "model"})
MESSAGES_RULES = Rules(REQUEST, MESSAGES, SHAPE, ADDED, NEEDED | {"max_tokens"}, HEADERS)
COUNT_TOKENS_RULES = Rules(REQUEST, COUNT_TOKENS, SHAPE, ADDED, NEEDED, HEADERS)
