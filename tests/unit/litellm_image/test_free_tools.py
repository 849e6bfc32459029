"""Calls of free tools: those that are cut off, and those of tools of one name in several namespaces."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.litellm_image.contract_cases import USER
from tests.unit.litellm_image.openai_lab import sent
from tests.unit.litellm_image.test_responses import END, MANY, START, WEATHER, block, made_of

from claude_gateway.api.contract import Route

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own

CUT = ({"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {}}, {"type": "message_stop"})
CALL = {"type": "tool_use", "id": "toolu_1", "name": "patch", "input": {}}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("", ""),
        ('{"cont', ""),
        ('{"content": ', ""),
        ('{"content": "*** Beg', "*** Beg"),
        ('{"content": "a\\n\\"b\\', 'a\n"b'),
        ('{"content": "so"', "so"),
        ('{"content": "so", "mo', "so"),
        ('{"content": "' + "x" * 1_000_001 + '"}', "x" * 1_000_001),
        ('{"other": "so"}', '{"other": "so"}'),
        ('{"content": 5}', "5"),
        ("no JSON", "no JSON"),
    ],
)
async def test_what_there_is_of_a_call_is_its_text_without_the_json_around_it(arguments: str, text: str) -> None:
    piece = {"type": "input_json_delta", "partial_json": arguments}
    last = (await made_of(START, *block(CALL, piece), *CUT, tools=MANY))[-1]
    (item,) = last["response"]["output"]
    assert (last["type"], item["status"], item["input"]) == ("response.incomplete", "incomplete", text)


PATCH = {"type": "custom", "name": "patch"}
SPACES = [
    {"type": "namespace", "name": name, "description": name, "tools": [PATCH, WEATHER]} for name in ("files", "notes")
]
NAMES = ["files__patch", "files__get_weather", "notes__patch", "notes__get_weather"]


@pytest.mark.parametrize("beside", [[], [PATCH]])
async def test_claude_knows_each_tool_of_a_namespace_by_a_name_of_its_own(beside: list[Any]) -> None:
    made = await sent(Route.RESPONSES, input="hi", tools=[*SPACES, *beside])
    assert [tool["name"] for tool in made["tools"]] == [*NAMES, *(tool["name"] for tool in beside)]


@pytest.mark.parametrize(
    ("called", "within"), [("files__patch", "files"), ("notes__patch", "notes"), ("patch", None), ("other", None)]
)
async def test_a_call_names_tool_and_namespace_and_goes_back_under_the_same_name(
    called: str, within: str | None
) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": called, "input": {"content": "so"}}
    tools = [*SPACES, PATCH]
    (item,) = (await made_of(START, *block(call), *END, tools=tools))[-1]["response"]["output"]
    assert item.get("namespace") == within
    if called != "other":
        assert (item["type"], item["name"], item["input"]) == ("custom_tool_call", "patch", "so")
        output = {"type": "custom_tool_call_output", "call_id": "toolu_1", "output": "done"}
        made = await sent(Route.RESPONSES, input=[USER, item, output], tools=tools)
        assert made["messages"][1]["content"] == [call]


@pytest.mark.parametrize(
    ("tools", "kind", "name", "chosen"),
    [
        (SPACES[:1], "custom", "patch", "files__patch"),
        (SPACES[:1], "function", "get_weather", "files__get_weather"),
        ([*SPACES, PATCH], "custom", "patch", "patch"),
        ([*SPACES, PATCH], "custom", "unknown", "unknown"),
    ],
)
async def test_a_tool_that_has_to_be_called_is_found_in_its_namespace(
    tools: list[Any], kind: str, name: str, chosen: str
) -> None:
    made = await sent(Route.RESPONSES, input="hi", tools=tools, tool_choice={"type": kind, "name": name})
    assert made["tool_choice"] == {"type": "tool", "name": chosen}
