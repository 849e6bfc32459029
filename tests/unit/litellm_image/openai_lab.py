"""OpenAI's routes with the fake API's scripts as their upstream, in process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from testbed.fakes import anthropic_script
from tests.unit.litellm_image.contract_cases import SMALL

from claude_gateway.api.call import Call
from claude_gateway.api.contract import Models, Route, admit
from claude_gateway.api.openai_routes import OpenAIRoutes
from claude_gateway.upstream.base import Answer, Ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MODELS = Models({"sonnet": "claude-sonnet-5-5", "old": "claude-sonnet-4-5"})


class Scripted:
    """Answers as the last user message says (testbed/fakes/anthropic_script.py), and keeps what it was asked."""

    def __init__(self, ends_after: int | None = None) -> None:
        self.asked: list[Ask] = []
        self._ends_after = ends_after  # so many events of a stream

    async def start(self) -> None: ...
    async def close(self) -> None: ...

    async def ask(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        body = dict(ask.body)
        events = list(anthropic_script.events(anthropic_script.Script.for_request(body), body, 5))

        async def content() -> AsyncIterator[bytes]:
            if not ask.streamed:
                yield json.dumps(anthropic_script.whole(iter(events))).encode()
                return
            for event in events[: self._ends_after]:
                yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()

        return Answer(content())


async def asked(route: Route, *, upstream_ends_after: int | None = None, **fields: Any) -> tuple[Scripted, bytes]:
    """The upstream after one request that the contract has admitted, and the answer."""
    upstream = Scripted(upstream_ends_after)
    body = admit(route, {**SMALL[route], **fields}, models=MODELS, drop=False)
    reply = await OpenAIRoutes(upstream).answer(Call(route, "req_1", "master", body))
    return upstream, b"".join([piece async for piece in reply.content])


async def sent(route: Route, **fields: Any) -> dict[str, Any]:
    """What Anthropic is asked."""
    upstream, _ = await asked(route, **fields)
    return dict(upstream.asked[0].body)


async def answer(route: Route, **fields: Any) -> Any:
    """The answer as JSON; of a stream its events."""
    _, content = await asked(route, **fields)
    if not fields.get("stream"):
        return json.loads(content)
    lines = [line.removeprefix("data: ") for line in content.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]
