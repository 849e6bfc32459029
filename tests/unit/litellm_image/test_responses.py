"""OpenAI's responses out of Anthropic's answers: items in the model's order, and events that strict clients read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from openai.types.responses import Response
from testbed.fakes.anthropic_blocks import CONTENTS
from tests.unit.litellm_image.contract_cases import USER
from tests.unit.litellm_image.openai_lab import answer, sent

from claude_gateway.api.contract import Route
from claude_gateway.api.responses import as_events
from claude_gateway.errors import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own

WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
MANY = [WEATHER, {"type": "web_search"}, {"type": "custom", "name": "patch"}]
ASKED: dict[str, Any] = {"tools": MANY, "reasoning": {"effort": "low"}}
ORDERS = {
    "interleaved": ["reasoning", "message", "reasoning", "message", "function_call"],
    "searched": ["reasoning", "web_search_call", "reasoning", "message"],
    "paralleltools": ["message", "function_call", "function_call", "function_call"],
    "redacted": ["reasoning", "message"],
}
GROWING = {"output_text": "text", "function_call_arguments": "arguments", "reasoning_summary_text": "text"}


def items(made: Any) -> list[dict[str, Any]]:
    """Without ids, which are new each time, and with arguments as what they mean."""
    response = made[-1]["response"] if isinstance(made, list) else made
    return [
        {name: json.loads(value) if name == "arguments" else value for name, value in item.items() if name != "id"}
        for item in response["output"]
    ]


@pytest.mark.parametrize("script", list(ORDERS))
async def test_items_stand_in_the_order_in_which_the_model_made_them(script: str) -> None:
    whole = await answer(Route.RESPONSES, input=f"FAKE:{script}", **ASKED)
    streamed = await answer(Route.RESPONSES, input=f"FAKE:{script}", stream=True, **ASKED)
    assert [item["type"] for item in whole["output"]] == ORDERS[script]
    assert items(streamed) == items(whole)
    assert Response.model_validate(whole).output_text == Response.model_validate(streamed[-1]["response"]).output_text


async def test_the_next_turn_has_the_thoughts_where_they_were() -> None:
    for streamed in (False, True):
        made = await answer(Route.RESPONSES, input="FAKE:interleaved", stream=streamed, **ASKED)
        output = made[-1]["response"]["output"] if streamed else made["output"]
        result = {"type": "function_call_output", "call_id": "toolu_fake", "output": "warm"}
        blocks = (await sent(Route.RESPONSES, input=[USER, *output, result], **ASKED))["messages"][1]["content"]
        assert [block["type"] for block in blocks] == [block["type"] for block, _ in CONTENTS["interleaved"]]


@pytest.mark.parametrize("script", [*ORDERS, "tool", "thinktool", "citations", "maxtok", "maxtooltok", "refusal"])
async def test_each_event_belongs_to_an_item_that_has_begun_and_not_ended(script: str) -> None:
    """As OpenAI's own streams; the Vercel AI SDK and others rely on it."""
    events = await answer(Route.RESPONSES, input=f"FAKE:{script}", stream=True, **ASKED)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    begun: list[dict[str, Any]] = []
    grown: dict[tuple[Any, ...], str] = {}
    ended: dict[int, dict[str, Any]] = {}
    for event in events[2:-1]:
        kind, place = event["type"].removeprefix("response."), event["output_index"]
        if kind == "output_item.added":
            assert place == len(begun)
            assert event["item"]["status"] == "in_progress"
            begun.append(event["item"])
            continue
        assert place not in ended
        if kind == "output_item.done":
            ended[place] = event["item"]
            assert event["item"]["id"] == begun[place]["id"]
            continue
        assert event["item_id"] == begun[place]["id"]
        what, _, step = kind.rpartition(".")
        part = (what, place, event.get("summary_index"))
        if step == "delta":
            grown[part] = grown.get(part, "") + event["delta"]
        elif step == "done" and what in GROWING:
            assert event[GROWING[what]] == grown[part]
    assert [ended[place] for place in range(len(begun))] == events[-1]["response"]["output"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("script", "status", "reason"),
    [
        ("plain", "completed", None),
        ("maxtok", "incomplete", "max_output_tokens"),
        ("window", "incomplete", "max_output_tokens"),
        ("refusal", "incomplete", "content_filter"),
    ],
)
async def test_an_answer_that_was_cut_says_so(script: str, status: str, reason: str | None, streamed: bool) -> None:
    made = await answer(Route.RESPONSES, input=f"FAKE:{script}", stream=streamed)
    response = made[-1]["response"] if streamed else made
    assert (response["status"], response["output"][-1]["status"]) == (status, status)
    assert (response["incomplete_details"] or {}).get("reason") == reason
    if streamed:
        assert made[-1]["type"] == f"response.{status}"


async def test_usage_is_what_anthropic_said() -> None:
    usage = (await answer(Route.RESPONSES))["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (12, 5, 17)
    assert usage["input_tokens_details"] == {"cached_tokens": 3, "cache_write_tokens": 2}


async def test_a_response_says_what_it_was_asked() -> None:
    asked = {"instructions": "Be brief.", "temperature": 0.5, "max_output_tokens": 77, "tools": [WEATHER]}
    response = await answer(Route.RESPONSES, **asked, tool_choice="auto", parallel_tool_calls=False)
    assert {name: response[name] for name in asked} == asked
    assert (response["parallel_tool_calls"], response["store"], response["object"]) == (False, False, "response")


async def test_a_source_on_the_web_is_an_annotation() -> None:
    (part,) = (await answer(Route.RESPONSES, input="FAKE:searched", **ASKED))["output"][-1]["content"]
    assert part["text"] == "Found green"
    assert part["annotations"] == [
        {"type": "url_citation", "start_index": 6, "end_index": 11, "url": "https://e.x", "title": "E"}
    ]


def block(content: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": 0, "content_block": content},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
    ]


START = {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 1}}}
END: list[dict[str, Any]] = [
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
    {"type": "message_stop"},
]


async def made_of(*events: dict[str, Any], tools: Any = (), behind: bytes = b"") -> list[dict[str, Any]]:
    """The events of a response; what comes arrives in pieces that begin and end anywhere."""
    raw = "".join(f"event: {event['type']}\r\ndata: {json.dumps(event)}\r\n\r\n" for event in events).encode() + behind

    async def content() -> AsyncIterator[bytes]:
        for at in range(0, len(raw), 7):
            yield raw[at : at + 7]

    return [event async for event in as_events(content(), {"tools": list(tools)})]


async def test_what_follows_after_the_end_of_an_answer_is_no_part_of_it() -> None:
    """Servers that speak both protocols end a stream as OpenAI does."""
    said = block({"type": "text", "text": "so"})
    types = [event["type"] for event in await made_of(START, *said, *END, behind=b"data: [DONE]\n\n")]
    assert types == [event["type"] for event in await made_of(START, *said, *END)]
    assert types[-1] == "response.completed"


async def test_a_free_tool_gets_its_text() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "patch", "input": {}}
    pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ('{"content": "a ', '\\"b\\""}')]
    events = await made_of(START, *block(call, *pieces), *END, tools=MANY)
    (item,) = events[-1]["response"]["output"]
    assert (item["type"], item["call_id"], item["input"]) == ("custom_tool_call", "toolu_1", 'a "b"')
    output = {"type": "custom_tool_call_output", "call_id": "toolu_1", "output": "done", "status": "completed"}
    messages = (await sent(Route.RESPONSES, input=[USER, item, output], tools=MANY))["messages"]
    assert messages[1]["content"][0]["input"] == {"content": 'a "b"'}


async def test_a_tool_of_a_namespace_is_called_by_its_own_name() -> None:
    space = {"type": "namespace", "name": "maps", "description": "Maps.", "tools": [WEATHER]}
    call = {"type": "tool_use", "id": "toolu_1", "name": "maps__get_weather", "input": {}}
    (item,) = (await made_of(START, *block(call), *END, tools=[space]))[-1]["response"]["output"]
    assert (item["name"], item["namespace"], item["arguments"]) == ("get_weather", "maps", "{}")


async def test_a_search_among_tools_is_a_call_and_what_it_found() -> None:
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "tool_search_tool_regex", "input": {}}
    found = {
        "type": "tool_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": {
            "type": "tool_search_tool_search_result",
            "tool_references": [{"type": "tool_reference", "tool_name": "get_weather"}],
        },
    }
    piece = {"type": "input_json_delta", "partial_json": '{"pattern": "weather"}'}
    first, second = (await made_of(START, *block(call, piece), *block(found), *END, tools=MANY))[-1]["response"][
        "output"
    ]
    assert (first["type"], first["arguments"], first["status"]) == (
        "tool_search_call",
        {"pattern": "weather"},
        "completed",
    )
    assert (second["type"], [tool["name"] for tool in second["tools"]]) == ("tool_search_output", ["get_weather"])


async def test_a_search_without_a_result_has_failed() -> None:
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    (item,) = (await made_of(START, *block(call), *END))[-1]["response"]["output"]
    assert item["status"] == "failed"


async def test_what_openai_has_no_item_for_is_passed_over() -> None:
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_fetch", "input": {}}
    result = {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": {}}
    said = {"type": "text", "text": "so"}
    events = await made_of(
        START, *block(call, {"type": "input_json_delta", "partial_json": "{}"}), *block(result), *block(said), *END
    )
    assert [item["type"] for item in events[-1]["response"]["output"]] == ["message"]


async def test_a_response_that_has_begun_says_that_it_has_failed() -> None:
    events = await answer(Route.RESPONSES, input="FAKE:plain", stream=True, upstream_ends_after=4)
    assert [event["type"] for event in events[-2:]] == ["response.failed", "error"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    failed = events[-2]["response"]
    assert (failed["status"], failed["error"]["code"], failed["output"]) == ("failed", "server_error", [])


async def test_an_early_end_of_a_stream_is_an_error() -> None:
    for events in ([], [START], [START, *block({"type": "text", "text": "so"}), END[0]]):
        with pytest.raises(Failure, match="broke off"):
            await made_of(*events)
