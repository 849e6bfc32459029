"""What clients have made of an answer when they send it back."""

from __future__ import annotations

import pytest
from tests.unit.litellm_image.contract_cases import USER, admitted

from claude_gateway.api.contract import Route


@pytest.mark.parametrize("kind", ["text", "refusal"])
def test_an_answer_that_came_back_beside_its_text_is_taken_back(kind: str) -> None:
    """OpenAI's Agents SDK for Node keeps what else a message holds with its text; of a stream the annotations."""
    thoughts = [{"type": "thinking", "thinking": "hm", "signature": "abc"}]
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    rest = {
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
