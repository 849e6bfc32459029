"""Two calls whose ids Claude would take for one."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.litellm_image.contract_cases import SMALL, refusal
from tests.unit.litellm_image.openai_lab import sent

from claude_gateway.api.contract import Route


def chat(*ids: str) -> dict[str, Any]:
    calls = [{"id": one, "type": "function", "function": {"name": "look", "arguments": "{}"}} for one in ids]
    results = [{"role": "tool", "tool_call_id": one, "content": f"of {one}"} for one in ids]
    return {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": calls}, *results]}


def response(*ids: str) -> dict[str, Any]:
    calls = [{"type": "function_call", "call_id": one, "name": "look", "arguments": "{}"} for one in ids]
    results = [{"type": "function_call_output", "call_id": one, "output": f"of {one}"} for one in ids]
    return {"input": [{"role": "user", "content": "hi"}, *calls, *results]}


@pytest.mark.parametrize(
    ("route", "fields", "path"),
    [
        (Route.CHAT, chat("call.1", "call:1"), "messages.1.tool_calls.1.id"),
        (Route.RESPONSES, response("call.1", "call_1"), "input.2.call_id"),
    ],
)
def test_two_ids_that_would_become_one_are_refused(route: Route, fields: dict[str, Any], path: str) -> None:
    refused = refusal(route, {**SMALL[route], **fields})
    assert str(refused).startswith(f"{path}: is another call's id but for characters that Claude takes as `_`")


@pytest.mark.filterwarnings("default")  # LiteLLM's own
@pytest.mark.parametrize(("route", "form"), [(Route.CHAT, chat), (Route.RESPONSES, response)])
async def test_ids_of_other_services_reach_claude_each_with_its_result(route: Route, form: Any) -> None:
    asked = await sent(route, **form("call.1", "functions.look:2", "call_1-3"))
    blocks = [block for message in asked["messages"] for block in message["content"]]
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    assert len(set(calls)) == 3
    assert [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"] == calls
