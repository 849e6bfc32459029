"""Why an answer of Anthropic's ended, in OpenAI's words: one that did not come to its own end is never complete."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from anthropic.types.beta import BetaStopReason
from testbed.fakes import anthropic_script
from tests.unit.litellm_image.contract_cases import USER
from tests.unit.litellm_image.openai_lab import answer

from claude_gateway.api.contract import Route

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own

OWN_ENDS = {"end_turn": "stop", "stop_sequence": "stop", "tool_use": "tool_calls"}
OTHER_ENDS = {"refusal": "content_filter"}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("reason", get_args(BetaStopReason))
async def test_an_answer_is_complete_when_it_came_to_its_own_end(
    reason: str, streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search of the web that takes long is paused (`pause_turn`), for instance."""
    monkeypatch.setattr(anthropic_script.Script, "stop_reason", reason)
    asked: dict[Route, dict[str, Any]] = {
        Route.CHAT: {"messages": [USER]},
        Route.COMPLETIONS: {"prompt": "hi"},
        Route.RESPONSES: {"input": "hi"},
    }
    made = {route: await answer(route, stream=streamed, **fields) for route, fields in asked.items()}
    for route in (Route.CHAT, Route.COMPLETIONS):
        last = made[route][-1] if streamed else made[route]
        assert last["choices"][0]["finish_reason"] == (OWN_ENDS | OTHER_ENDS).get(reason, "length")
    response = made[Route.RESPONSES][-1]["response"] if streamed else made[Route.RESPONSES]
    assert response["status"] == ("completed" if reason in OWN_ENDS else "incomplete")
    because = (response["incomplete_details"] or {}).get("reason")
    assert because == (None if reason in OWN_ENDS else OTHER_ENDS.get(reason, "max_output_tokens"))
