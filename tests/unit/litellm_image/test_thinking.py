"""What a wish for thinking on OpenAI's routes becomes, from turn to turn and from model to model."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.litellm_image.contract_cases import USER
from tests.unit.litellm_image.openai_lab import sent

from claude_gateway.api.contract import Route
from claude_gateway.api.thinking import without_impossible

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own

ADAPTIVE = {"type": "adaptive", "display": "summarized"}
SIGNED = {"type": "thinking", "thinking": "", "signature": "EqQBCkYIBxgCKkDsig+/="}  # its text is left out by default
CALL = {"id": "t1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
TURNS: dict[Route, list[dict[str, Any]]] = {
    Route.CHAT: [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "t1", "content": "seen"},
    ],
    Route.RESPONSES: [
        USER,
        {"type": "function_call", "call_id": "t1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "t1", "output": "seen"},
    ],
}
ROUTES = list(TURNS)


async def asked(route: Route, effort: str | None, turns: Any = None, **more: Any) -> dict[str, Any]:
    """What Anthropic is asked in the turn after a tool's call, or in these turns."""
    wish: dict[str, Any] = {"reasoning_effort": effort}
    if route is Route.RESPONSES:
        wish = {"reasoning": {"effort": effort, **more.pop("reasoning", {})}}
    place = "messages" if route is Route.CHAT else "input"
    return await sent(route, **{place: turns or TURNS[route]}, **wish, **more)


@pytest.mark.parametrize("route", ROUTES)
async def test_a_model_that_decides_itself_goes_on_thinking_after_a_call_without_thoughts(route: Route) -> None:
    body = await asked(route, "high")
    assert (body["thinking"], body["output_config"]) == (ADAPTIVE, {"effort": "high"})


@pytest.mark.parametrize("route", ROUTES)
async def test_a_model_with_a_budget_does_not_where_the_thoughts_are_missing(route: Route) -> None:
    """Anthropic would refuse the turn."""
    assert "thinking" not in await asked(route, "high", model="old")
    assert (await asked(route, "high", [USER], model="old"))["thinking"]["type"] == "enabled"


async def test_a_budget_stays_where_the_thoughts_came_back() -> None:
    turns = [TURNS[Route.CHAT][0], {**TURNS[Route.CHAT][1], "thinking_blocks": [SIGNED]}, TURNS[Route.CHAT][2]]
    thinking = {"type": "enabled", "budget_tokens": 2048}
    body = await sent(Route.CHAT, messages=turns, thinking=thinking, max_tokens=4096)
    assert body["thinking"] == thinking
    assert body["messages"][1]["content"][0] == SIGNED
    assert "thinking" not in await sent(Route.CHAT, messages=TURNS[Route.CHAT], thinking=thinking, max_tokens=4096)


def test_no_other_wish_is_touched() -> None:
    body: dict[str, Any] = {"thinking": {"type": "disabled"}, "messages": [{"role": "assistant", "content": "x"}]}
    assert without_impossible(body) is body


@pytest.mark.parametrize("summary", [{"summary": "auto"}, {"generate_summary": "detailed"}])
async def test_who_wants_a_summary_of_thoughts_wants_thoughts(summary: dict[str, str]) -> None:
    body = await asked(Route.RESPONSES, None, [USER], reasoning=summary)
    assert body["thinking"] == ADAPTIVE
    assert "output_config" not in body
    older = await asked(Route.RESPONSES, None, [USER], model="old", max_output_tokens=1500, reasoning=summary)
    assert older["thinking"] == {"type": "enabled", "budget_tokens": 1499}


@pytest.mark.parametrize("route", ROUTES)
async def test_who_wants_no_thoughts_gets_none_where_the_model_can_do_without(route: Route) -> None:
    assert (await asked(route, "none", model="old"))["thinking"] == {"type": "disabled"}
    assert "thinking" not in await asked(route, "none")
