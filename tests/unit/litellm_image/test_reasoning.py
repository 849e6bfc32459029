"""Thoughts in OpenAI's responses: items as OpenAI has them, which bring back the blocks that Anthropic signed."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import Response
from tests.unit.litellm_image.contract_cases import USER
from tests.unit.litellm_image.openai_lab import answer, sent

from claude_gateway.api.contract import Route

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own

TOOLS = [{"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}]
ASKED: dict[str, Any] = {"tools": TOOLS, "reasoning": {"effort": "low"}}
SIGNED = {"type": "thinking", "thinking": "I need a tool.", "signature": "EqQBCkYIBxgCKkDsig+/="}
REDACTED = {"type": "redacted_thinking", "data": "EmwKAhgBEgyREDACTED"}


async def output(script: str, *, streamed: bool, done: bool = False) -> list[dict[str, Any]]:
    """The items of an answer; with `done` those of the stream's own events, not of its last."""
    made = await answer(Route.RESPONSES, input=f"FAKE:{script}", stream=streamed, **ASKED)
    if done:
        ended = [event for event in made if event["type"] == "response.output_item.done"]
        return [event["item"] for event in sorted(ended, key=lambda event: int(event["output_index"]))]
    items: list[dict[str, Any]] = made[-1]["response"]["output"] if streamed else made["output"]
    return items


@pytest.mark.parametrize(("streamed", "done"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize(("script", "block"), [("thinktool", SIGNED), ("redacted", REDACTED)])
async def test_the_next_turn_brings_the_signed_thoughts_back(
    script: str, block: dict[str, Any], streamed: bool, done: bool
) -> None:
    items = await output(script, streamed=streamed, done=done)
    outputs = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "warm"}
        for item in items
        if item["type"] == "function_call"
    ]
    body = await sent(Route.RESPONSES, input=[USER, *items, *(outputs or [USER])], **ASKED)
    assert body["messages"][1]["content"][0] == block
    assert body["thinking"]["type"] == "adaptive"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_reasoning_item_is_what_openais_package_says(streamed: bool) -> None:
    made = await answer(Route.RESPONSES, input="FAKE:thinktool", stream=streamed, **ASKED)
    response = made[-1]["response"] if streamed else made
    item = Response.model_validate(response).output[0]
    assert item.type == "reasoning"
    assert [part.text for part in item.summary] == ["I need a tool."]
    assert set(response["output"][0]) == {"id", "type", "status", "summary", "encrypted_content"}
    assert response["parallel_tool_calls"] is True
    assert "cost" not in response["usage"]


async def test_a_streamed_thought_has_a_beginning_and_an_end() -> None:
    events = await answer(Route.RESPONSES, input="FAKE:thinktool", stream=True, **ASKED)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    kinds = [event["type"].removeprefix("response.") for event in events]
    assert kinds[2:9] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    assert events[2]["item"]["summary"] == []


async def test_a_hidden_thought_has_no_summary() -> None:
    events = await answer(Route.RESPONSES, input="FAKE:redacted", stream=True, **ASKED)
    assert not [event for event in events if "summary" in event["type"]]
    assert (await output("redacted", streamed=True, done=True))[0]["summary"] == []
