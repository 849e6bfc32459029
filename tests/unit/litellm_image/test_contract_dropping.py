"""With `dropParams`, what cannot be honoured is left out, and a message never."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.litellm_image.contract_cases import SMALL, USER, admitted, refusal

from claude_gateway.api.contract import Route

M, CHAT, RESPONSES = Route.MESSAGES, Route.CHAT, Route.RESPONSES


def test_dropping_leaves_out_what_cannot_be_honoured_or_is_unknown() -> None:
    unknown = {"role": "user", "content": [{"type": "text", "text": "hi", "colour": "red"}]}
    made = admitted(CHAT, drop=True, messages=[unknown], n=3, logprobs=True, colour="red", audio={"voice": "x"})
    messages = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    assert made == {"model": "claude-sonnet-4-5", "messages": messages}
    function = {"type": "function", "name": "f", "parameters": {}, "strict": False}
    made = admitted(
        RESPONSES, drop=True, previous_response_id="r", tools=[{"type": "local_shell"}, function, {"type": "computer"}]
    )
    assert made == {"model": "claude-sonnet-4-5", "input": "hi", "tools": [function]}


@pytest.mark.parametrize(
    ("route", "fields"),
    [
        (CHAT, {"messages": [USER, {"role": "wizard", "content": "x"}]}),
        (CHAT, {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}),
        (CHAT, {"messages": [{"role": "user", "content": 5}]}),
        (RESPONSES, {"input": [USER, {"type": "item_reference", "id": "x"}]}),
        (M, {"messages": [{"role": "user", "content": [{"type": "nope"}]}]}),
        (M, {"max_tokens": None}),
    ],
)
def test_dropping_never_drops_messages(route: Route, fields: dict[str, Any]) -> None:
    assert refusal(route, {**SMALL[route], **fields}, drop=True) is not None
