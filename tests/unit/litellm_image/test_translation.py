"""Nothing that an OpenAI client sends is lost or made up on the way through LiteLLM."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from litellm.responses.litellm_completion_transformation import transformation
from tests.unit.litellm_image.contract_cases import PIXEL, USER, refusal
from tests.unit.litellm_image.openai_lab import sent

from claude_gateway.api.contract import Route

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own

SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Place",
    "type": "object",
    "$defs": {"name": {"type": "string", "minLength": 1}},
    "properties": {"city": {"$ref": "#/$defs/name", "title": "City"}, "n": {"type": "integer", "minimum": 1}},
    "patternProperties": {"^x-": {}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"name": "look", "description": "Looks.", "parameters": SCHEMA, "strict": True}
MARK = {"type": "ephemeral", "ttl": "1h"}
EXTRAS = {"input_examples": [{"city": "Rome"}], "eager_input_streaming": True}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "t1", "content": "seen"}
ITEMS = [
    USER,
    {"type": "function_call", "id": "fc_1", "call_id": "t1", "name": "look", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "t1", "output": "seen"},
]
TEXT = base64.b64encode(b"hello").decode()
PDF = {"type": "base64", "media_type": "application/pdf", "data": PIXEL}
# A file as each API has it, and the block of Anthropic's that it is.
FILES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"file_data": f"data:application/pdf;base64,{PIXEL}"}, {"type": "document", "source": PDF}),
    (
        {"file_data": f"data:text/csv;base64,{TEXT}"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}},
    ),
    (
        {"file_data": f"data:application/json;charset=utf-8;base64,{TEXT}"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}},
    ),
    (  # no text: Anthropic says that it takes no such file
        {"file_data": "data:application/zip;base64,AAAA"},
        {"type": "document", "source": {"type": "base64", "media_type": "application/zip", "data": "AAAA"}},
    ),
    (
        {"file_data": f"data:image/png;name=a.png;base64,{PIXEL}"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
    ),
    ({"file_id": "file_1"}, {"type": "document", "source": {"type": "file", "file_id": "file_1"}}),
]


def tools(route: Route, *extras: dict[str, Any]) -> list[dict[str, Any]]:
    """The tool as the route has it, once for each of `extras`."""
    if route is Route.RESPONSES:
        return [{"type": "function", **TOOL, **one} for one in extras]
    return [{"type": "function", "function": TOOL, **one} for one in extras]


@pytest.mark.parametrize("route", [Route.CHAT, Route.RESPONSES])
async def test_a_tool_keeps_its_schema_as_it_was_sent(route: Route) -> None:
    (tool,) = (await sent(route, tools=tools(route, {**EXTRAS, "cache_control": MARK})))["tools"]
    assert tool == {
        "type": "custom",
        "name": "look",
        "description": "Looks.",
        "input_schema": SCHEMA,
        "strict": True,
        "cache_control": MARK,
        **EXTRAS,
    }


async def test_a_tool_of_a_namespace_keeps_its_schema_too() -> None:
    space = {"type": "namespace", "name": "maps", "description": "Maps.", "tools": tools(Route.RESPONSES, {})}
    (tool,) = (await sent(Route.RESPONSES, tools=[space]))["tools"]
    assert (tool["name"], tool["input_schema"], tool["strict"]) == ("maps__look", SCHEMA, True)


async def test_a_tool_without_words_or_parameters_gets_none() -> None:
    (tool,) = (await sent(Route.RESPONSES, tools=[{"type": "function", "name": "look"}]))["tools"]
    assert tool == {"type": "custom", "name": "look", "input_schema": {"type": "object", "properties": {}}}


@pytest.mark.parametrize("kind", ["enabled", "adaptive", "disabled"])
async def test_thinking_is_asked_for_as_the_client_does(kind: str) -> None:
    thinking = {"type": kind, **({"budget_tokens": 2048} if kind == "enabled" else {})}
    body = await sent(Route.CHAT, thinking=thinking, max_tokens=4096)
    assert (body["thinking"], body["max_tokens"]) == (thinking, 4096)
    assert "output_config" not in body


@pytest.mark.parametrize(("file", "block"), FILES)
async def test_a_file_is_the_block_that_anthropic_has_for_it(file: dict[str, Any], block: dict[str, Any]) -> None:
    named = {**block, "title": "report"} if block["type"] == "document" else block
    for name, expected in ((None, block), ("report", named)):
        given = {**file, **({"filename": name} if name else {})}
        content = [{"type": "file", "file": given}, {"type": "text", "text": "read"}]
        assert (await sent(Route.CHAT, messages=[{"role": "user", "content": content}]))["messages"][0]["content"][
            0
        ] == expected
        items = [{"role": "user", "content": [{"type": "input_file", **given}, {"type": "input_text", "text": "read"}]}]
        assert (await sent(Route.RESPONSES, input=items))["messages"][0]["content"][0] == expected


async def test_each_of_several_files_has_its_own_name() -> None:
    files = [
        {"type": "input_file", "filename": f"{name}.pdf", "file_data": f"data:application/pdf;base64,{PIXEL}"}
        for name in "ab"
    ]
    (message,) = (await sent(Route.RESPONSES, input=[{"role": "user", "content": files}]))["messages"]
    assert [block["title"] for block in message["content"]] == ["a.pdf", "b.pdf"]


@pytest.mark.parametrize("address", ["https://example.com/a.pdf", "https://example.com/download"])
async def test_a_file_by_its_address_is_a_document_by_its_address(address: str) -> None:
    source = {"type": "url", "url": address}
    chat = [{"role": "user", "content": [{"type": "file", "file": {"file_id": address}}]}]
    items = [{"role": "user", "content": [{"type": "input_file", "file_url": address}]}]
    for body in (await sent(Route.CHAT, messages=chat), await sent(Route.RESPONSES, input=items)):
        assert body["messages"][0]["content"] == [{"type": "document", "source": source}]


async def test_an_image_may_leave_out_how_closely_it_is_looked_at() -> None:
    image = {"type": "input_image", "image_url": "https://example.com/a.png"}
    (message,) = (await sent(Route.RESPONSES, input=[{"role": "user", "content": [image]}]))["messages"]
    assert message["content"] == [{"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}]


@pytest.mark.parametrize(
    ("route", "more"), [(Route.CHAT, {"messages": [USER, CALL, RESULT]}), (Route.RESPONSES, {"input": ITEMS})]
)
async def test_calls_in_the_history_offer_no_tool(route: Route, more: dict[str, Any]) -> None:
    """Anthropic wants tools then, and LiteLLM offers one that nobody has: it must not be called."""
    assert (await sent(route, **more))["tool_choice"] == {"type": "none"}
    assert "tool_choice" not in await sent(route, tools=tools(route, {}), **more)


async def test_a_free_tool_may_be_asked_for() -> None:
    free = {"type": "custom", "name": "patch"}
    assert (await sent(Route.RESPONSES, tools=[free], tool_choice=free))["tool_choice"] == {
        "type": "tool",
        "name": "patch",
    }


async def test_an_mcp_server_gets_its_token() -> None:
    server = {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp"}
    body = await sent(Route.RESPONSES, tools=[{**server, "authorization": "t", "require_approval": "never"}])
    assert body["mcp_servers"][0]["authorization_token"] == "t"
    for more in ({"headers": {"a": "b"}}, {"require_approval": "always"}, {"connector_id": "connector_gmail"}):
        refused = refusal(Route.RESPONSES, {"model": "sonnet", "input": "hi", "tools": [{**server, **more}]})
        assert refused
        assert refused.param == f"tools.0.{next(iter(more))}"


@pytest.mark.parametrize("route", [Route.CHAT, Route.RESPONSES])
async def test_a_schema_of_answers_keeps_its_description(route: Route) -> None:
    named = {"name": "n", "description": "A place.", "schema": {"type": "object", "properties": {}}}
    if route is Route.CHAT:
        body = await sent(route, response_format={"type": "json_schema", "json_schema": named})
    else:
        body = await sent(route, text={"format": {"type": "json_schema", **named}})
    assert body["output_format"]["schema"]["description"] == "A place."


@pytest.mark.parametrize("blank", ["", " \n", [], [{"type": "text", "text": ""}]])
def test_a_message_that_says_nothing_is_refused_and_not_filled(blank: Any) -> None:
    for route, name, part in ((Route.CHAT, "messages", "text"), (Route.RESPONSES, "input", "input_text")):
        content = [{**one, "type": part} for one in blank] if isinstance(blank, list) else blank
        refused = refusal(route, {"model": "sonnet", name: [{"role": "user", "content": content}]})
        assert refused
        assert (refused.status, refused.param) == (400, f"{name}.0.content")


@pytest.mark.parametrize("blank", ["", " ", [], [{"type": "text", "text": ""}]])
async def test_a_turn_of_the_model_that_says_nothing_is_left_out(blank: Any) -> None:
    spoken = [USER, {"role": "assistant", "content": blank}, USER]
    assert [message["role"] for message in (await sent(Route.CHAT, messages=spoken))["messages"]] == ["user"]
    called = [USER, {**CALL, "content": blank}, RESULT]
    kinds = [block["type"] for block in (await sent(Route.CHAT, messages=called))["messages"][1]["content"]]
    assert kinds == ["tool_use"]


async def test_a_text_that_says_nothing_beside_an_image_is_left_out() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "high"}}
    content = [{"type": "text", "text": ""}, image]
    (message,) = (await sent(Route.CHAT, messages=[{"role": "user", "content": content}]))["messages"]
    assert [block["type"] for block in message["content"]] == ["image"]


@pytest.mark.parametrize("arguments", ['{"city', "[1]", "null", "3", '{"n": NaN}', '{"n": 1e999}', " "])
async def test_arguments_that_are_no_object_are_in_one(arguments: str) -> None:
    """As the model leaves them when it is cut off; clients send them back in the next turn."""
    calls = [{"id": "t1", "type": "function", "function": {"name": "look", "arguments": arguments}}]
    items = [USER, {**ITEMS[1], "arguments": arguments}, ITEMS[2]]
    for made in (
        await sent(Route.CHAT, messages=[USER, {**CALL, "tool_calls": calls}, RESULT]),
        await sent(Route.RESPONSES, input=items),
    ):
        assert made["messages"][1]["content"][0]["input"] == ({"INVALID_JSON": arguments} if arguments.strip() else {})


async def test_thoughts_come_back_whole_in_whatever_way_the_client_kept_them() -> None:
    whole = [
        {"type": "thinking", "thinking": "hm, so", "signature": "sig"},
        {"type": "redacted_thinking", "data": "abc"},
        {"type": "thinking", "thinking": "then", "signature": "two"},
    ]
    pieces = [
        {"type": "thinking", "thinking": "hm,", "index": 0},
        {"type": "thinking", "thinking": " so", "index": 0},
        {"type": "thinking", "thinking": "", "signature": "sig", "index": 0},
        {"type": "redacted_thinking", "data": "abc", "index": 1},
        {"type": "thinking", "thinking": "then", "signature": "two", "index": 2},
    ]
    for kept in (
        {"thinking_blocks": whole},
        {"thinking_blocks": pieces},
        {"provider_specific_fields": {"thinking_blocks": whole}},
    ):
        body = await sent(Route.CHAT, messages=[USER, {**CALL, **kept}, RESULT], tools=tools(Route.CHAT, {}))
        assert body["messages"][1]["content"][:-1] == whole


async def test_marks_of_the_cache_stay_where_the_client_put_them() -> None:
    system = [{"type": "text", "text": "a", "cache_control": MARK}, {"type": "text", "text": "b"}]
    messages = [{"role": "system", "content": system}, {"role": "developer", "content": "c"}, USER]
    assert (await sent(Route.CHAT, messages=messages))["system"] == [*system, {"type": "text", "text": "c"}]


async def test_a_call_of_one_client_never_reaches_another() -> None:
    """LiteLLM remembers calls by their ids, for all clients of the process."""
    await sent(Route.RESPONSES, input="FAKE:tool", tools=tools(Route.RESPONSES, {}))
    remembered: Any = transformation.TOOL_CALLS_CACHE
    assert remembered.get_cache(key="toolu_fake") is None
