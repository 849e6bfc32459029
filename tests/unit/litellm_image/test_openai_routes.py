"""OpenAI's dialect through LiteLLM: what the upstream is asked, and how it fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.litellm_image.openai_lab import answer

from claude_gateway.api.call import Call, Reply
from claude_gateway.api.contract import Route
from claude_gateway.api.openai_routes import OpenAIRoutes
from claude_gateway.errors import Failure
from claude_gateway.start.warm_up import EVENTS, MESSAGE
from claude_gateway.upstream.base import Answer, Ask
from claude_gateway.upstream.error_events import raised

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own

MODEL = "claude-sonnet-5-5"
ASKED: dict[Route, dict[str, Any]] = {
    Route.CHAT: {"messages": [{"role": "user", "content": "hi"}]},
    Route.RESPONSES: {"input": "hi"},
    Route.COMPLETIONS: {"prompt": "hi"},
}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}
CALLED: list[dict[str, Any]] = [
    {"role": "user", "content": "hi"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "t1", "content": "seen"},
]


class Upstream:
    """Says `warm`, or fails: before it answers, or in the middle of a stream."""

    def __init__(self, failure: Failure | None = None, *, after: int = 0, says: bool = True) -> None:
        self.asked: list[Ask] = []
        self.events = EVENTS if says else [EVENTS[0], *EVENTS[-2:]]
        self.piece = 10_000  # bytes that come at a time, of an event
        self.ascii = True
        self._failure = failure
        self._after = after

    async def start(self) -> None: ...
    async def close(self) -> None: ...

    async def ask(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        if self._failure and not self._after:
            raise self._failure

        async def content() -> AsyncIterator[bytes]:
            if not ask.streamed:
                yield json.dumps(MESSAGE).encode()
                return
            for number, event in enumerate(self.events):
                if self._failure and number == self._after:
                    raise self._failure
                raw = f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=self.ascii)}\n\n".encode()
                for at in range(0, len(raw), self.piece):
                    yield raw[at : at + self.piece]

        return Answer(raised(content(), {}), {"request-id": "req_up"})


def call(route: Route, *, betas: tuple[str, ...] = (), **more: Any) -> Call:
    return Call(route, "req_1", "master", {"model": MODEL, **ASKED[route], **more}, betas)


async def answered(upstream: Upstream, asked: Call) -> tuple[Reply, bytes]:
    reply = await OpenAIRoutes(upstream).answer(asked)
    return reply, b"".join([piece async for piece in reply.content])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", list(ASKED))
async def test_each_route_is_one_call_of_the_messages_api(route: Route, stream: bool) -> None:
    upstream = Upstream()
    reply, body = await answered(upstream, call(route, stream=stream, betas=("context-1m-2025-08-07",)))
    assert b"warm" in body
    assert reply.headers == {"request-id": "req_up"}
    (ask,) = upstream.asked
    assert ask.body["model"] == MODEL
    assert ask.body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    assert "context-1m-2025-08-07" in ask.betas
    assert not set(ask.body) - {"model", "messages", "max_tokens", "stream"}
    assert body.endswith(b"data: [DONE]\n\n") is (stream and route is not Route.RESPONSES)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", list(ASKED))
async def test_the_upstreams_failure_is_the_clients_answer(route: Route, stream: bool) -> None:
    failure = Failure(529, "Claude is overloaded.", headers={"retry-after": "5"})
    upstream = Upstream(failure)
    with pytest.raises(Failure) as failed:
        await answered(upstream, call(route, stream=stream))
    assert failed.value is failure
    assert len(upstream.asked) == 1


@pytest.mark.parametrize("route", list(ASKED))
async def test_a_stream_that_breaks_says_so_and_has_no_end(route: Route) -> None:
    _, body = await answered(Upstream(Failure(502, "It broke off."), after=3), call(route, stream=True))
    last = json.loads(body.strip().split(b"data: ")[-1])
    assert last["error"]["message"] == "It broke off."
    assert (last.get("type") == "error") is (route is Route.RESPONSES)
    assert b"[DONE]" not in body


@pytest.mark.parametrize("piece", [10_000, 60, 7])
@pytest.mark.parametrize("route", list(ASKED))
async def test_an_error_of_anthropics_in_a_stream_keeps_its_meaning(route: Route, piece: int) -> None:
    upstream = Upstream(after=3)
    upstream.piece = piece
    upstream.events = [
        *EVENTS[:3],
        {"type": "error", "error": {"type": "overloaded_error", "message": "of the account"}},
    ]
    _, body = await answered(upstream, call(route, stream=True))
    last = json.loads(body.strip().split(b"data: ")[-1])
    assert last["error"]["message"] == "Claude is overloaded."
    assert b"[DONE]" not in body
    assert b"response.completed" not in body


@pytest.mark.parametrize("piece", [10_000, 1])
@pytest.mark.parametrize("route", list(ASKED))
async def test_whatever_somebody_takes_for_the_end_of_a_line_is_text(route: Route, piece: int) -> None:
    text = "".join(chr(code) for code in range(0x3000) if len(f"a{chr(code)}b".splitlines()) > 1)
    assert len(text) > 8
    upstream = Upstream()
    upstream.piece, upstream.ascii = piece, False
    upstream.events = [*EVENTS[:2], EVENTS[2] | {"delta": {"type": "text_delta", "text": text}}, *EVENTS[3:]]
    _, body = await answered(upstream, call(route, stream=True))
    assert json.dumps(text).encode() in body


async def test_what_litellm_cannot_translate_is_a_400_in_plain_words() -> None:
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:nonsense"}}]}
    with pytest.raises(Failure) as failed:
        await answered(Upstream(), call(Route.CHAT, messages=[message]))
    assert failed.value.status == 400
    assert "litellm" not in failed.value.message.lower().split(":")[0]


@pytest.mark.parametrize("route", [Route.CHAT, Route.RESPONSES])
async def test_what_litellm_fails_at_before_claude_is_asked_is_no_answer_that_broke_off(route: Route) -> None:
    """Whatever Python's word for it is."""
    upstream = Upstream()
    more: Any = {"tools": [TOOL if route is Route.CHAT else {"type": "function", **TOOL["function"]}], "max_tokens": {}}
    with pytest.raises(Failure) as failed:
        await answered(upstream, call(route, **more, stop_sequences=object()))
    assert failed.value.status == 400
    assert upstream.asked == []


async def test_tools_and_their_results_arrive_as_anthropic_has_them() -> None:
    upstream = Upstream()
    await answered(
        upstream, call(Route.CHAT, messages=CALLED, tools=[TOOL], tool_choice="required", parallel_tool_calls=False)
    )
    body = upstream.asked[0].body
    assert body["tools"][0]["name"] == "look"
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert body["messages"][1]["content"][-1] == {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
    assert body["messages"][2]["content"][0]["tool_use_id"] == "t1"


async def test_a_litellm_that_is_not_asked_for_more_sends_nothing_of_its_own() -> None:
    upstream = Upstream()
    await answered(upstream, call(Route.CHAT, temperature=0.5, stop=["x"], max_tokens=7))
    assert upstream.asked[0].body == {
        "model": MODEL,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "temperature": 0.5,
        "stop_sequences": ["x"],
        "max_tokens": 7,
    }


@pytest.mark.parametrize("route", list(ASKED))
async def test_a_stream_has_no_price(route: Route) -> None:
    more: dict[str, Any] = {} if route is Route.RESPONSES else {"stream_options": {"include_usage": True}}
    _, body = await answered(Upstream(), call(route, stream=True, **more))
    assert b'"usage"' in body
    assert b'"cost"' not in body
    if route is not Route.RESPONSES:
        (last,) = [line for line in body.split(b"data: ") if b'"usage"' in line]
        assert json.loads(last)["choices"] == [], "by which clients know it"


@pytest.mark.parametrize("says", [True, False], ids=["text", "nothing"])
async def test_the_first_part_of_a_stream_says_whose_it_is(says: bool) -> None:
    _, body = await answered(Upstream(says=says), call(Route.CHAT, stream=True))
    parts = [json.loads(line)["choices"][0] for line in body.split(b"data: ") if line.startswith(b"{")]
    assert parts[0]["delta"]["role"] == "assistant"
    assert parts[-1]["finish_reason"] == "stop"


async def test_a_call_of_a_whole_answer_has_no_fields_of_a_streams() -> None:
    """OpenAI's agents for JavaScript would send its index back, in the message too."""
    made = await answer(Route.CHAT, messages=[{"role": "user", "content": "FAKE:paralleltools"}], tools=[TOOL])
    assert [set(one) for one in made["choices"][0]["message"]["tool_calls"]] == [{"id", "type", "function"}] * 3


@pytest.mark.parametrize("route", list(ASKED))
async def test_who_leaves_a_stream_ends_the_upstreams_answer(route: Route) -> None:
    """LiteLLM does not, so the reply has to."""
    ended: list[str] = []

    class Endless(Upstream):
        async def ask(self, ask: Ask) -> Answer:
            answer = await super().ask(ask)

            async def close() -> None:
                ended.append("ended")

            return Answer(answer.content, close=close)

    reply = await OpenAIRoutes(Endless()).answer(call(route, stream=True))
    await anext(reply.content)
    assert ended == []
    assert reply.close is not None
    await reply.close()
    assert ended
