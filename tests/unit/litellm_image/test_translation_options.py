"""What OpenAI's clients ask for beside their messages: searches, ends, thoughts, formats of images."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.litellm_image.contract_cases import PIXEL, SMALL, USER, refusal
from tests.unit.litellm_image.openai_lab import MODELS, sent
from tests.unit.litellm_image.test_translation import CALL, RESULT

from claude_gateway.api.contract import Route, admit

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own


async def test_a_search_knows_where_the_user_is_and_where_to_look() -> None:
    place, filters = {"type": "approximate", "city": "Rome"}, {"allowed_domains": ["example.com"]}
    search = {"type": "web_search", "user_location": place, "filters": filters, "external_web_access": True}
    (tool,) = (await sent(Route.RESPONSES, tools=[search]))["tools"]
    assert (tool["user_location"], tool["allowed_domains"]) == (place, ["example.com"])
    (tool,) = (await sent(Route.RESPONSES, tools=[{"type": "web_search", "filters": None, "user_location": None}]))[
        "tools"
    ]
    assert set(tool) == {"type", "name"}


async def test_a_search_that_asks_nobody_outside_is_not_offered() -> None:
    """Codex in its sandbox asks for one; Anthropic has none."""
    search = {"type": "web_search", "external_web_access": False}
    look = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
    assert [tool["name"] for tool in (await sent(Route.RESPONSES, tools=[look, search]))["tools"]] == ["look"]
    assert "tools" not in await sent(Route.RESPONSES, tools=[search], tool_choice="auto")


@pytest.mark.parametrize(("asked", "choice"), [("required", "any"), ("none", "none"), ("auto", "auto")])
@pytest.mark.parametrize("model", ["sonnet", "old"])
async def test_a_search_is_a_tool_that_may_be_chosen_or_not(asked: str, choice: str, model: str) -> None:
    made = await sent(Route.CHAT, model=model, web_search_options={}, tool_choice=asked, parallel_tool_calls=False)
    alone = {} if choice == "none" else {"disable_parallel_tool_use": True}
    assert made["tool_choice"] == {"type": choice, **alone}
    same = await sent(Route.RESPONSES, model=model, tools=[{"type": "web_search"}], tool_choice=asked)
    assert same["tool_choice"] == {"type": choice}


@pytest.mark.parametrize("kind", ["web_search", "web_search_preview", "web_search_preview_2025_03_11"])
async def test_a_search_can_be_demanded_by_any_of_its_names(kind: str) -> None:
    search = [{"type": "web_search"}]
    made = await sent(Route.RESPONSES, tools=search, tool_choice={"type": kind}, parallel_tool_calls=False)
    assert made["tool_choice"] == {"type": "tool", "name": "web_search", "disable_parallel_tool_use": True}


def test_another_of_openais_tools_cannot_be_demanded() -> None:
    asked = {**SMALL[Route.RESPONSES], "tools": [{"type": "web_search"}], "tool_choice": {"type": "file_search"}}
    refused = refusal(Route.RESPONSES, asked)
    assert refused is not None
    assert refused.message == "tool_choice.type: is not supported: this tool runs at OpenAI alone"
    made = admit(Route.RESPONSES, asked, models=MODELS, drop=True)
    assert "tool_choice" not in made


async def test_a_search_of_an_earlier_turn_is_not_put_into_the_models_mouth() -> None:
    """What it has found stands in the answer."""
    search = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    }
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Found."}]}
    spoken = (await sent(Route.RESPONSES, input=[USER, search, said, USER]))["messages"][1]
    assert spoken == {"role": "assistant", "content": [{"type": "text", "text": "Found."}]}


async def test_all_stop_sequences_reach_claude() -> None:
    assert (await sent(Route.CHAT, stop=list("abcdef")))["stop_sequences"] == list("abcdef")
    assert (await sent(Route.COMPLETIONS, stop="END"))["stop_sequences"] == ["END"]
    empty: tuple[Any, ...] = ([], "", None)
    for nothing in empty:
        assert "stop_sequences" not in await sent(Route.CHAT, stop=nothing)


@pytest.mark.parametrize("most", [100, 1024, 1025, 2000, 5000, 99_999])
async def test_thoughts_fit_into_the_answer(most: int) -> None:
    """Of a model that is told how much to think; Anthropic refuses a budget that is not smaller than the answer."""
    body = await sent(Route.CHAT, model="old", reasoning_effort="high", max_tokens=most)
    assert body["max_tokens"] == most
    assert ("thinking" in body) is (most > 1024)
    assert body.get("thinking", {}).get("budget_tokens", 0) < most
    own = await sent(Route.CHAT, model="old", thinking={"type": "enabled", "budget_tokens": 2000}, max_tokens=100)
    assert own["thinking"]["budget_tokens"] == 2000, "the client's own is Anthropic's to judge"


@pytest.mark.parametrize("name", ["jpg", "JPEG", "JPG", "jpeg;charset=utf-8"])
async def test_a_jpeg_may_be_called_otherwise(name: str) -> None:
    """Python's imaging library says JPEG, and clients put that into the address."""
    image = {"type": "image_url", "image_url": {"url": f"data:image/{name};base64,{PIXEL}"}}
    for messages in ([{"role": "user", "content": [image]}], [USER, CALL, {**RESULT, "content": [image]}]):
        block = (await sent(Route.CHAT, messages=messages))["messages"][-1]["content"][0]
        block = block["content"][0] if block["type"] == "tool_result" else block
        assert block["source"]["media_type"] == "image/jpeg"


@pytest.mark.parametrize("blank", [" ", "\n", ""])
async def test_an_operator_who_says_nothing_is_left_out(blank: str) -> None:
    """As of clients with a field for it that holds a blank, which Anthropic refuses."""
    user, model = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}
    for role in ("system", "developer"):
        spoken = [{"role": role, "content": blank}, user, model, {"role": role, "content": blank}, user]
        made = [
            await sent(Route.CHAT, messages=spoken),
            await sent(Route.RESPONSES, input=spoken),
            await sent(Route.RESPONSES, input=spoken, instructions=blank),
        ]
        for asked in made:
            assert "system" not in asked
            assert [message["role"] for message in asked["messages"]] == ["user", "assistant", "user"]
    some = [{"type": "text", "text": blank}, {"type": "text", "text": "Be brief."}]
    asked = await sent(Route.CHAT, messages=[{"role": "system", "content": some}, user])
    assert [block["text"] for block in asked["system"]] == ["Be brief."]


@pytest.mark.parametrize("name", ["detail", "details"])
async def test_how_closely_an_image_is_to_be_looked_at_means_nothing(name: str) -> None:
    """Ax for Node sends `details` beside every image."""
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", name: "auto"}}
    (message,) = (await sent(Route.CHAT, messages=[{"role": "user", "content": [image]}]))["messages"]
    assert message["content"] == [{"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}]
