"""Requests that the tests of the contract begin with: for each route a small one and one with much in it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from claude_gateway.api.contract import Models, Rejection, Route, admit

MODELS = Models({"sonnet": "claude-sonnet-4-5", "opus": "claude-opus-5-5"})
USER = {"role": "user", "content": "hi"}
SMALL: dict[Route, dict[str, Any]] = {
    Route.MESSAGES: {"model": "sonnet", "max_tokens": 9, "messages": [USER]},
    Route.COUNT_TOKENS: {"model": "sonnet", "messages": [USER]},
    Route.CHAT: {"model": "sonnet", "messages": [USER]},
    Route.RESPONSES: {"model": "sonnet", "input": "hi"},
    Route.COMPLETIONS: {"model": "sonnet", "prompt": "hi"},
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PIXEL = "iVBORw0KGgo="
_MESSAGES: dict[str, Any] = {
    **SMALL[Route.MESSAGES],
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "stream": True,
    "temperature": 0.5,
    "top_k": 5,
    "stop_sequences": ["END"],
    "metadata": {"user_id": "someone"},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "service_tier": "auto",
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
    "context_management": {"edits": [{"type": "clear_tool_uses_20250919", "keep": {"type": "tool_uses", "value": 3}}]},
    "mcp_servers": [{"type": "url", "name": "docs", "url": "https://example.com/mcp"}],
    "tools": [
        {"name": "weather", "description": "d", "input_schema": SCHEMA, "strict": True},
        {"type": "custom", "name": "other", "input_schema": {"type": "object"}, "input_examples": [{"city": "Rome"}]},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2, "allowed_domains": ["example.com"]},
        {"type": "bash_20250124", "name": "bash"},
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
        {"type": "memory_20250818", "name": "memory"},
        {"type": "code_execution_20250825", "name": "code_execution"},
        {"type": "computer_20250124", "name": "computer", "display_width_px": 800, "display_height_px": 600},
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look", "cache_control": {"type": "ephemeral"}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": PIXEL},
                    "citations": {"enabled": True},
                    "title": "t",
                },
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
                {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "abc"},
                {"type": "redacted_thinking", "data": "abc"},
                {"type": "text", "text": "so", "citations": None},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome", "api_base": "x"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "is_error": False,
                    "content": [{"type": "text", "text": "warm"}],
                }
            ],
        },
    ],
}
_CHAT: dict[str, Any] = {
    **SMALL[Route.CHAT],
    "stream": True,
    "stream_options": {"include_usage": True},
    "max_completion_tokens": 99,
    "temperature": 1,
    "top_p": 0.5,
    "top_k": 3,
    "stop": ["END"],
    "parallel_tool_calls": False,
    "reasoning_effort": "low",
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}},
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "tools": [
        {
            "type": "function",
            "function": {"name": "weather", "description": "d", "parameters": SCHEMA, "strict": True},
            "cache_control": {"type": "ephemeral"},
        }
    ],
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "Brief.", "cache_control": {"type": "ephemeral"}}]},
        {"role": "developer", "content": "more"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PIXEL}"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "warm"}]},
    ],
}
_RESPONSES: dict[str, Any] = {
    **SMALL[Route.RESPONSES],
    "instructions": "Be brief.",
    "stream": True,
    "max_output_tokens": 99,
    "temperature": 0.5,
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}},
    "tool_choice": {"type": "function", "name": "weather"},
    "tools": [
        {"type": "function", "name": "weather", "description": "d", "parameters": SCHEMA, "strict": True},
        {"type": "web_search", "search_context_size": "low"},
        {"type": "custom", "name": "patch", "description": "d"},
    ],
    "input": [
        {"role": "developer", "content": "more"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"},
                {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PIXEL}"},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "so", "annotations": [], "logprobs": []}],
        },
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "weather",
            "arguments": "{}",
            "status": "completed",
        },
        {"type": "function_call_output", "call_id": "call_1", "output": "warm"},
    ],
}
LARGE: dict[Route, dict[str, Any]] = {
    Route.MESSAGES: _MESSAGES,
    Route.COUNT_TOKENS: _MESSAGES,
    Route.CHAT: _CHAT,
    Route.RESPONSES: _RESPONSES,
    Route.COMPLETIONS: {**SMALL[Route.COMPLETIONS], "max_tokens": 9, "stop": "END", "stream": True, "top_p": 1},
}


def admitted(route: Route, *, drop: bool = False, **fields: Any) -> dict[str, Any]:
    """The small request of `route` with `fields`, as it enters."""
    return admit(route, {**SMALL[route], **fields}, models=MODELS, drop=drop)


def refusal(route: Route, body: dict[str, Any], *, drop: bool = False) -> Rejection | None:
    """Why `body` does not enter; None if it does. It is never changed."""
    before = deepcopy(body)
    try:
        admit(route, body, models=MODELS, drop=drop)
    except Rejection as rejection:
        return rejection
    finally:
        assert body == before
    return None
