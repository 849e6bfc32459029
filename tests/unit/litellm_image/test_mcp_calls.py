"""Calls that Anthropic makes of an MCP server are items of a response, as OpenAI's own are."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from tests.unit.litellm_image.contract_cases import USER
from tests.unit.litellm_image.openai_lab import sent
from tests.unit.litellm_image.test_responses import END, START, block, made_of

from claude_gateway.api.contract import Route

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own

SERVER = {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp", "require_approval": "never"}
CALL = {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "look", "server_name": "docs", "input": {}}
PIECES = tuple({"type": "input_json_delta", "partial_json": piece} for piece in ("", '{"a"', ": 1}"))
FOUND = {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": False}
TEXT = {"type": "text", "text": "So."}
SAID = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]


async def events(result: dict[str, Any], *pieces: dict[str, Any]) -> list[dict[str, Any]]:
    made = await made_of(START, *block(CALL, *pieces), *block(FOUND | result), *block(TEXT), *END, tools=[SERVER])
    for event in made:
        TypeAdapter(ResponseStreamEvent).validate_python(event)
    return made


@pytest.mark.parametrize(("content", "output"), [(SAID, "one\ntwo"), ("plain", "plain"), ([], "")])
async def test_a_call_of_a_server_is_an_item_with_what_it_gave(content: Any, output: str) -> None:
    made = await events({"content": content}, *PIECES)
    call, message = Response.model_validate(made[-1]["response"]).output
    assert call.type == "mcp_call"
    assert (call.server_label, call.name, call.arguments, call.status) == ("docs", "look", '{"a": 1}', "completed")
    assert (call.output, call.error, message.type) == (output, None, "message")
    kinds = [event["type"].removeprefix("response.") for event in made if "mcp" in event["type"]]
    arguments = ["mcp_call_arguments.delta"] * 2 + ["mcp_call_arguments.done"]
    assert kinds == ["mcp_call.in_progress", *arguments, "mcp_call.completed"]


async def test_a_call_that_failed_says_why() -> None:
    made = await events({"content": SAID, "is_error": True})
    call = made[-1]["response"]["output"][0]
    assert (call["status"], call["output"], call["arguments"]) == ("failed", None, "{}")
    assert call["error"]["content"] == [{"type": "text", "text": "one\ntwo"}]
    assert "response.mcp_call.failed" in [event["type"] for event in made]


async def test_an_answer_with_such_a_call_goes_back() -> None:
    """What the server gave stands in the answer, as with a search."""
    output = (await events({"content": SAID}, *PIECES))[-1]["response"]["output"]
    messages = (await sent(Route.RESPONSES, input=[USER, *output, USER], tools=[SERVER]))["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[1]["content"] == [TEXT]
