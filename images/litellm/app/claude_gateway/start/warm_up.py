"""A container that says it is ready is ready: LiteLLM's first request takes over a second, so it is made here.

Most of that second is modules imported at first use. Without it the first clients after a rotation would wait, and with
them all others, because there is one event loop.
"""

from __future__ import annotations

import gc
import json
import logging
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from claude_gateway.api.call import Call
from claude_gateway.api.contract import Route
from claude_gateway.upstream.base import Answer, Ask

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

log = logging.getLogger(__name__)

MESSAGE: dict[str, Any] = {
    "id": "msg_warm",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "warm"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "warm"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 1},
    },
    {"type": "message_stop"},
]
MESSAGES = [{"role": "user", "content": "warm-up"}]
ASKED: dict[Route, dict[str, Any]] = {Route.CHAT: {"messages": MESSAGES}, Route.RESPONSES: {"input": "warm-up"}}


class _Nobody:
    """An upstream that knows one answer, so that nobody is asked and nothing is billed."""

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to close."""

    async def ask(self, ask: Ask) -> Answer:
        async def content() -> AsyncIterator[bytes]:
            if not ask.streamed:
                yield json.dumps(MESSAGE).encode()
                return
            for event in EVENTS:
                yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()

        return Answer(content())


async def warm_up(model: str) -> None:
    """Take LiteLLM's ways once. `model` is an upstream's name. Raises what a broken LiteLLM raises."""
    from claude_gateway.api.openai_routes import OpenAIRoutes

    started = time.monotonic()
    routes = OpenAIRoutes(_Nobody())
    for route, asked in ASKED.items():
        for streamed in (False, True):
            reply = await routes.answer(
                Call(route, "warm-up", "warm-up", {"model": model, "stream": streamed, **asked})
            )
            async with aclosing(cast("AsyncGenerator[bytes, None]", reply.content)) as content:
                if not b"".join([piece async for piece in content]):
                    raise RuntimeError(f"LiteLLM gave no answer on {route}")
    gc.collect()
    gc.freeze()
    log.info("warmed up in %.1f s", time.monotonic() - started)
