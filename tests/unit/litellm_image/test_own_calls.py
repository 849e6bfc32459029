"""Chat completions: a client is asked to answer its own calls alone."""

from __future__ import annotations

from typing import Any

import pytest
from litellm.types.utils import ChatCompletionDeltaToolCall, Delta, Function, ModelResponseStream, StreamingChoices
from openai.types.chat import ChatCompletion
from tests.unit.litellm_image.openai_lab import answer

from claude_gateway.api.contract import Route
from claude_gateway.api.own_calls import OwnCalls

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own


async def asked(script: str, *, streamed: bool) -> Any:
    messages = [{"role": "user", "content": f"FAKE:{script}"}]
    return await answer(Route.CHAT, messages=messages, web_search_options={}, stream=streamed)


@pytest.mark.parametrize("script", ["websearch", "searched"])
async def test_a_search_of_the_web_is_no_call_for_the_client(script: str) -> None:
    message = (await asked(script, streamed=False))["choices"][0]["message"]
    assert "tool_calls" not in message
    assert message["content"].startswith("Found")
    assert message["provider_specific_fields"]["web_search_results"]
    deltas = [choice["delta"] for part in await asked(script, streamed=True) for choice in part["choices"]]
    assert not [delta for delta in deltas if "tool_calls" in delta]
    assert "".join(delta.get("content") or "" for delta in deltas) == message["content"]


SOURCE = {"start_index": 6, "end_index": 11, "url": "https://e.x", "title": "E"}
CITED = {"type": "url_citation", "url_citation": SOURCE}


@pytest.mark.parametrize(("script", "noted"), [("searched", [CITED]), ("websearch", [])])
async def test_a_source_on_the_web_is_an_annotation(script: str, noted: list[Any]) -> None:
    message = (await asked(script, streamed=False))["choices"][0]["message"]
    assert message["annotations"] == noted
    parts = await asked(script, streamed=True)
    deltas = [choice["delta"] for part in parts for choice in part["choices"]]
    assert [one for delta in deltas for one in delta.get("annotations", ())] == noted
    ChatCompletion.model_validate(await asked(script, streamed=False), strict=True)


def part(index: int, identifier: str | None = None, arguments: str = "") -> ModelResponseStream:
    call = ChatCompletionDeltaToolCall(
        id=identifier, index=index, type="function", function=Function(name=None, arguments=arguments)
    )
    return ModelResponseStream(choices=[StreamingChoices(delta=Delta(tool_calls=[call]))])


def test_calls_after_a_search_are_counted_as_if_there_was_none() -> None:
    parts = [
        part(0, "srvtoolu_1"),
        part(0, None, '{"query"'),
        part(1, "toolu_1"),
        part(1, None, "{}"),
        part(2, "srvtoolu_2"),
        part(3, "toolu_2"),
        part(3, None, "[]"),
    ]
    own = OwnCalls()
    for one in parts:
        own.alone_in(one)
    calls = [call.model_dump() for one in parts for call in one.choices[0].delta.tool_calls or ()]
    assert [(call["index"], call["id"], call["function"]["arguments"]) for call in calls] == [
        (0, "toolu_1", ""),
        (0, None, "{}"),
        (1, "toolu_2", ""),
        (1, None, "[]"),
    ]


async def test_parallel_calls_stay_as_they_are() -> None:
    parts = [part["choices"][0]["delta"] for part in await asked("paralleltools", streamed=True) if part["choices"]]
    indexes = [call["index"] for delta in parts for call in delta.get("tool_calls") or ()]
    assert sorted(set(indexes)) == [0, 1, 2]
    assert indexes == sorted(indexes)
