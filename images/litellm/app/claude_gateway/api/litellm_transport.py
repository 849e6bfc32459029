"""The upstream as an HTTP transport, which LiteLLM's Anthropic provider is given in place of a network.

So LiteLLM translates and nothing else: no connection, retry, proxy or credential is its own.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx

from claude_gateway.api.anthropic_events import lines
from claude_gateway.api.call import current_call
from claude_gateway.api.contract import Route
from claude_gateway.api.json_mode import is_asked_for, object_alone
from claude_gateway.api.thinking import without_impossible
from claude_gateway.api.translation_repairs import repaired
from claude_gateway.errors import Failure
from claude_gateway.upstream.base import Ask, Endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from claude_gateway.upstream.base import Answer, Upstream

API_BASE = "http://upstream.invalid"  # never looked up
BETA_HEADER = "anthropic-beta"
MORE_LINE_ENDS = re.compile(b"|".join(end.encode() for end in ("\x85", "\u2028", "\u2029")))
"""What httpx, by which LiteLLM reads lines, takes for an end of one (as str.splitlines does), and may stand in JSON."""
# What LiteLLM gets in place of an answer that is made into a response without it (api/responses.py).
NOTHING: dict[str, Any] = {
    "id": "msg_nothing",
    "type": "message",
    "role": "assistant",
    "model": "none",
    "content": [],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 0, "output_tokens": 0},
}


class UpstreamTransport(httpx.AsyncBaseTransport):
    """Answers LiteLLM from an upstream; what went wrong is left in the call, because LiteLLM rewrites it."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = current_call.get()
        content = await request.aread()
        named = [name.strip() for name in request.headers.get(BETA_HEADER, "").split(",") if name.strip()]
        betas = tuple(dict.fromkeys([*call.betas, *named]))
        try:
            body = without_impossible(repaired(json.loads(content), call.body) | call.passed)
            if call.route is Route.RESPONSES and call.streamed:
                body["stream"] = True
            ask = Ask(Endpoint.MESSAGES, body, betas, call.client, usage=call.usage)
            answer = await self._upstream.ask(ask)
            call.close = answer.close
            if is_asked_for(call.body):
                answer = await object_alone(answer, streamed=ask.streamed)
            if call.annotations is not None:
                answer = call.annotations.noted_in(answer, streamed=ask.streamed)
        except Failure as failure:
            call.failure = failure
            return httpx.Response(failure.status, json={"error": {"message": failure.message}}, request=request)
        call.headers = answer.headers
        if call.route is Route.RESPONSES:
            call.answer = answer
            return httpx.Response(200, json=NOTHING, request=request)
        kind = "text/event-stream" if ask.streamed else "application/json"
        return httpx.Response(
            200, headers={"content-type": kind}, stream=_Stream(answer, streamed=ask.streamed), request=request
        )


class _Stream(httpx.AsyncByteStream):
    def __init__(self, answer: Answer, *, streamed: bool) -> None:
        self._content = _in_httpx_lines(answer.content) if streamed else answer.content
        self._close = answer.close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._content:
                yield piece
        except Failure as failure:
            current_call.get().failure = failure
            raise httpx.ReadError(failure.message) from failure

    async def aclose(self) -> None:
        await self._close()


async def _in_httpx_lines(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for line in lines(content):
        yield MORE_LINE_ENDS.sub(_escaped, line) + b"\n"


def _escaped(character: re.Match[bytes]) -> bytes:
    return json.dumps(character[0].decode()).strip('"').encode()
