"""`json_object`: the client gets a JSON object, or an error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from testbed.fakes import anthropic_blocks, anthropic_script
from tests.unit.litellm_image.contract_cases import refusal
from tests.unit.litellm_image.openai_lab import answer, sent

from claude_gateway.api.contract import Route
from claude_gateway.api.json_mode import object_alone
from claude_gateway.errors import Failure
from claude_gateway.upstream.base import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own

OBJECT = '{"answer": 42, "city": "Paris"}'
ASKED: dict[Route, dict[str, Any]] = {
    Route.CHAT: {
        "response_format": {"type": "json_object"},
        "messages": [{"role": "user", "content": "JSON: FAKE:json"}],
    },
    Route.RESPONSES: {"text": {"format": {"type": "json_object"}}, "input": "JSON: FAKE:json"},
}


async def held(text: str, stop: str = "end_turn", *, streamed: bool) -> str:
    """What is passed on of an answer of Claude's with this text."""
    pieces = [text[at : at + 5] for at in range(0, len(text), 5)]
    blocks = [anthropic_blocks.thinking("Hm."), anthropic_blocks.text(*pieces)]
    script = anthropic_script.Script("x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(anthropic_blocks.CONTENTS, "x", blocks)
        patch.setitem(anthropic_script.STOP_REASONS, "x", stop)
        events = list(anthropic_script.events(script, {}, 5))

    async def content() -> AsyncIterator[bytes]:
        if streamed:
            for event in events:
                yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        else:
            yield json.dumps(anthropic_script.whole(iter(events))).encode()

    made = await object_alone(Answer(content()), streamed=streamed)
    raw = b"".join([piece async for piece in made.content])
    if not streamed:
        return "".join(block.get("text", "") for block in json.loads(raw)["content"])
    sent_events = [json.loads(line[6:]) for line in raw.splitlines() if line.startswith(b"data: ")]
    assert [one["type"] for one in sent_events][-2:] == ["message_delta", "message_stop"]
    return "".join(one.get("delta", {}).get("text", "") for one in sent_events)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("text", [OBJECT, f"```json\n{OBJECT}\n```", f"\n```\n{OBJECT}\n```\n"])
async def test_an_object_is_passed_on_without_its_fence(text: str, streamed: bool) -> None:
    assert await held(text, streamed=streamed) == OBJECT


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("text", ["Here it is: {}", "[1]", "{", "3", f"{OBJECT} {OBJECT}"])
async def test_what_is_no_object_is_an_error_and_no_answer(text: str, streamed: bool) -> None:
    with pytest.raises(Failure) as failed:
        await held(text, streamed=streamed)
    assert failed.value.status == 502
    assert failed.value.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("stop", ["max_tokens", "tool_use", "refusal"])
async def test_an_answer_that_did_not_come_to_its_end_says_so_itself(stop: str, streamed: bool) -> None:
    assert await held('{"answer', stop, streamed=streamed) == '{"answer'


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("route", list(ASKED))
async def test_both_of_openais_apis_have_it(route: Route, streamed: bool) -> None:
    made = json.dumps(await answer(route, **ASKED[route], stream=streamed))
    assert json.dumps(OBJECT).strip('"') in made or ('{\\"answer\\"' in made and ": 42" in made)
    assert not {"output_format", "output_config", "tools", "system"} & set(await sent(route, **ASKED[route]))


def test_a_prompt_that_does_not_say_json_is_refused_as_openai_does() -> None:
    for route, wish in ASKED.items():
        said = {"messages": [{"role": "user", "content": "hi"}]} if route is Route.CHAT else {"input": "hi"}
        refused = refusal(route, {"model": "sonnet", **wish, **said})
        assert refused
        assert refused.status == 400
