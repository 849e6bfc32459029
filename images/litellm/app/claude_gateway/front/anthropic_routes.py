"""Anthropic's own routes: nothing to translate, so the request that passed the contract is asked as it is.

LiteLLM has a handler for /v1/messages; it rewrites fields and beta headers on the way and loses the upstream's status,
`retry-after` and request id, all of which clients act on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_gateway.front.call import Call, Reply
from claude_gateway.front.contract import Dialect, Route
from claude_gateway.front.errors import Failure
from claude_gateway.upstream.base import Ask, Endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from claude_gateway.upstream.base import Upstream

ENDPOINTS = {Route.MESSAGES: Endpoint.MESSAGES, Route.COUNT_TOKENS: Endpoint.COUNT_TOKENS}
TAIL_BYTES = 4096
LAST_EVENTS = (b"event: message_stop", b"event: error")
BROKEN_OFF = Failure(502, "The answer from Claude broke off.")


async def answer_anthropic(upstream: Upstream, call: Call) -> Reply:
    """Raises Failure."""
    endpoint = ENDPOINTS[call.route]
    ask = Ask(endpoint, call.body, call.betas, call.client, version=call.version, usage=call.usage)
    answer = await upstream.ask(ask)
    content = _ended(answer.content, call) if call.streamed else answer.content
    return Reply(content, answer.headers, answer.close)


async def _ended(content: AsyncIterator[bytes], call: Call) -> AsyncIterator[bytes]:
    """The events; a stream that the upstream cuts ends with an error event, not in silence."""
    tail = b""
    async for piece in content:
        tail = (tail + piece)[-TAIL_BYTES:]
        yield piece
    if not any(event in tail for event in LAST_EVENTS):
        yield b"\n\n" + BROKEN_OFF.event(Dialect.ANTHROPIC, call.request_id)
