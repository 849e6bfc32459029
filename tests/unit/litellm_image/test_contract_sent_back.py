"""What clients have made of an answer when they send it back."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.litellm_image.contract_cases import SMALL, USER, admitted, refusal
from tests.unit.litellm_image.openai_lab import sent

from claude_gateway.api.contract import Route

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own


@pytest.mark.parametrize("kind", ["text", "refusal"])
def test_an_answer_that_came_back_beside_its_text_is_taken_back(kind: str) -> None:
    """OpenAI's Agents SDK for Node keeps what else a message holds with its text; of a stream the annotations."""
    thoughts = [{"type": "thinking", "thinking": "hm", "signature": "abc"}]
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    rest: dict[str, Any] = {
        "role": "assistant",
        "tool_calls": [call],
        "function_call": None,
        "annotations": [],
        "reasoning_content": "hm",
        "thinking_blocks": thoughts,
        "provider_specific_fields": {"citations": None, "thinking_blocks": thoughts},
    } | ({"content": None} if kind == "refusal" else {"refusal": None})
    answer = {"role": "assistant", "content": [{**rest, "type": kind, kind: "so"}], "tool_calls": [call]}
    made = admitted(Route.CHAT, messages=[USER, answer, {"role": "tool", "tool_call_id": "call_1", "content": "x"}])
    text = {"type": "text", "text": "so"}
    assert made["messages"][1] == {
        "role": "assistant",
        "content": [text],
        "tool_calls": [call],
        "thinking_blocks": thoughts,
    }
    made = admitted(Route.CHAT, messages=[USER, {"role": "assistant", "content": [{**text, "annotations": []}]}, USER])
    assert made["messages"][1]["content"] == [text]


def test_several_thoughts_that_a_client_has_made_one_are_taken_back() -> None:
    """LangChain before 1.0, of a stream: it adds up what two items say, their `status` too."""
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "One.Two."}]}
    made = admitted(Route.RESPONSES, input=[USER, {**thought, "status": "in_progressin_progress"}, USER])
    assert made["input"][1] == thought


CALL = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PARTS: list[dict[str, Any]] = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]


@pytest.mark.parametrize("name", ["cache_control", "copilot_cache_control"])
async def test_a_messages_mark_for_the_cache_reaches_claude(name: str) -> None:
    """On a text, and on parts or calls, of which the last one gets it."""
    mark = {name: {"type": "ephemeral"}}
    spoken = [
        {"role": "system", "content": PARTS, **mark},
        {"role": "user", "content": PARTS, **mark},
        {"role": "assistant", "content": "", "tool_calls": [CALL], **mark},
        {"role": "tool", "tool_call_id": "t1", "content": PARTS, **mark},
        {"role": "user", "content": "hi", **mark},
    ]
    tools = [{"type": "function", "function": {"name": "f"}}]
    asked = await sent(Route.CHAT, messages=spoken, tools=tools)
    blocks = [asked["system"], *(message["content"] for message in asked["messages"])]
    marked = [[block["type"] for block in each if "cache_control" in block] for each in blocks]
    assert marked == [["text"], ["text"], ["tool_use"], ["tool_result", "text"]]
    assert [block["text"] for block in (blocks[0][1], blocks[1][1])] == ["b", "b"]


def test_what_copilot_in_vs_code_adds_for_itself_is_left_out() -> None:
    """It asks every model with an address of its own as its own service."""
    added = {"copilot_references": [{"type": "x"}], "copilot_confirmations": []}
    thought = {"cot_id": "c", "cot_summary": "hm", "reasoning_opaque": "r", "reasoning_text": "hm"}
    place = {"url": "https://example.com/a.png"}
    image = {"type": "image_url", "image_url": place}
    shown = {**image, "image_url": {**place, "media_type": "image/png"}}
    spoken: list[dict[str, Any]] = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [image]},
        {"role": "assistant", "content": "so", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "t1", "content": "x"},
    ]
    given: list[dict[str, Any]] = [{**message, **added} for message in spoken]
    given[1]["content"], given[2] = [shown], {**given[2], **thought}
    assert admitted(Route.CHAT, messages=given)["messages"] == spoken


@pytest.mark.parametrize("route", [Route.MESSAGES, Route.COUNT_TOKENS, Route.CHAT, Route.COMPLETIONS])
def test_a_setting_of_sampling_that_says_that_it_is_none_is_left_out(route: Route) -> None:
    """LangChain for Node sent both with every request to Anthropic before 1.0."""
    assert not {"top_k", "top_p"} & admitted(route, top_k=-1, top_p=-1).keys()
    rejection = refusal(route, {**SMALL[route], "top_k": -2})
    assert rejection is not None
    assert rejection.param == "top_k"


@pytest.mark.parametrize("route", [Route.CHAT, Route.RESPONSES, Route.COMPLETIONS])
def test_a_top_p_of_1_leaves_the_temperature_alone(route: Route) -> None:
    """Copilot in VS Code sends both with every request; Claude's newer models refuse that."""
    made = admitted(route, temperature=0.1, top_p=1)
    assert (made["temperature"], "top_p" in made) == (0.1, False)
    assert admitted(route, top_p=0.9)["top_p"] == 0.9
