"""Where one is needed, none and two are refused with their path: nothing is lost, and nothing made up."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.litellm_image.contract_cases import PIXEL, SMALL, USER, admitted, refusal

from claude_gateway.api.contract import Route

M, CHAT, RESPONSES = Route.MESSAGES, Route.CHAT, Route.RESPONSES
DATA, ADDRESS = f"data:application/pdf;base64,{PIXEL}", "https://example.com/a"
FORMAT = {"type": "json_schema", "schema": {"type": "object"}}
CALL = {"type": "function_call", "call_id": "c_1", "name": "f", "arguments": "{}"}
NO_TOOLS = "tool_choice: asks for a call of a tool, and there are no tools"
MCP = {"type": "mcp", "server_label": "s", "server_url": "https://example.com/mcp"}
LOOK: dict[str, Any] = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
SPACE: dict[str, Any] = {"type": "namespace", "name": "files", "description": "d"}
AT_ONCE = "is not supported: Claude waits for what a tool gives"
NEVER_ASKED = 'must be "never": the server is asked without an approval here'
THREE = "needs file_data or file_url or file_id"


def says(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [part]}]


def returns(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [USER, CALL, {"type": "function_call_output", "call_id": "c_1", "output": [part]}]


@pytest.mark.parametrize(
    ("route", "fields", "message"),
    [
        (
            CHAT,
            {"messages": says({"type": "file", "file": {}})},
            "messages.0.content.0.file: needs file_data or file_id",
        ),
        (
            CHAT,
            {"messages": says({"type": "file", "file": {"file_id": ADDRESS, "file_data": DATA}})},
            "messages.0.content.0.file: has file_data and file_id: send one of them",
        ),
        (RESPONSES, {"input": says({"type": "input_file", "filename": "a.pdf"})}, f"input.0.content.0: {THREE}"),
        (
            RESPONSES,
            {"input": says({"type": "input_file", "file_url": ADDRESS, "file_data": DATA})},
            "input.0.content.0: has file_data and file_url: send one of them",
        ),
        (RESPONSES, {"input": says({"type": "input_image"})}, "input.0.content.0: needs image_url"),
        (RESPONSES, {"input": says({"type": "input_image", "image_url": None})}, "input.0.content.0: needs image_url"),
        (RESPONSES, {"input": returns({"type": "input_file"})}, f"input.2.output.0: {THREE}"),
        (RESPONSES, {"input": returns({"type": "input_image"})}, "input.2.output.0: needs image_url"),
        (
            RESPONSES,
            {"tools": [{"type": "mcp", "server_label": "s", "require_approval": "never"}]},
            "tools.0: needs server_url",
        ),
        (
            RESPONSES,
            {"tools": [{"type": "mcp", "server_label": "s", "server_url": "http://example.com"}]},
            "tools.0.server_url: must be an https: URL",
        ),
        (RESPONSES, {"tools": [MCP]}, f"tools.0.require_approval: {NEVER_ASKED}"),
        (RESPONSES, {"tools": [{**LOOK, "async": True}]}, f"tools.0.async: {AT_ONCE}"),
        (RESPONSES, {"tools": [{"type": "custom", "name": "x", "async": True}]}, f"tools.0.async: {AT_ONCE}"),
        (RESPONSES, {"tools": [{**SPACE, "tools": [{**LOOK, "async": True}]}]}, f"tools.0.tools.0.async: {AT_ONCE}"),
        (RESPONSES, {"tools": [{**MCP, "require_approval": None}]}, f"tools.0.require_approval: {NEVER_ASKED}"),
        (CHAT, {"tool_choice": "required"}, NO_TOOLS),
        (CHAT, {"tools": [], "tool_choice": {"type": "function", "function": {"name": "f"}}}, NO_TOOLS),
        (RESPONSES, {"tool_choice": "required"}, NO_TOOLS),
        (RESPONSES, {"tool_choice": {"type": "function", "name": "f"}}, NO_TOOLS),
        (CHAT, {"messages": [{"role": "system", "content": "x"}]}, "messages: must hold a message of the user"),
        (RESPONSES, {"input": [{"role": "developer", "content": "x"}]}, "input: must hold a message of the user"),
        (RESPONSES, {"input": [USER, {**CALL, "call_id": ""}]}, "input.1.call_id: must not be empty"),
        (
            M,
            {"output_format": FORMAT, "output_config": {"format": FORMAT}},
            "output_format: is the first name of output_config.format: send one of them",
        ),
        (
            CHAT,
            {"messages": [USER, {"role": "assistant", "provider_specific_fields": {"tool_results": [1]}}]},
            "messages.1.provider_specific_fields.tool_results.0: must be an object",
        ),
    ],
)
def test_one_is_needed(route: Route, fields: dict[str, Any], message: str) -> None:
    rejection = refusal(route, {**SMALL[route], **fields})
    assert rejection is not None
    assert rejection.message == message
    assert rejection.param == message.split(":", maxsplit=1)[0]


@pytest.mark.parametrize("choice", ["none", "auto"])
def test_a_choice_that_asks_for_nothing_needs_no_tools(choice: str) -> None:
    assert refusal(CHAT, {**SMALL[CHAT], "tool_choice": choice}) is None
    assert refusal(RESPONSES, {**SMALL[RESPONSES], "tool_choice": choice}) is None


def test_a_tool_says_what_asks_for_nothing() -> None:
    told = {**LOOK, "async": False, "output_schema": {"type": "object"}}
    free = {"type": "custom", "name": "x"}
    made = admitted(RESPONSES, tools=[told, {**SPACE, "tools": [told]}, {**free, "async": False}])
    assert made["tools"] == [LOOK, {**SPACE, "tools": [LOOK]}, free]
