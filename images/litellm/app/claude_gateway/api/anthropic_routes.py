"""Anthropic's own routes: nothing to translate, so the request that passed the contract is asked as it is.

LiteLLM has a handler for /v1/messages; it rewrites fields and beta headers on the way and loses the upstream's status,
`retry-after` and request id, all of which clients act on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_gateway.api.call import Call, Reply
from claude_gateway.api.contract import Route
from claude_gateway.upstream.base import Ask, Endpoint

if TYPE_CHECKING:
    from claude_gateway.upstream.base import Upstream

ENDPOINTS = {Route.MESSAGES: Endpoint.MESSAGES, Route.COUNT_TOKENS: Endpoint.COUNT_TOKENS}


async def answer_anthropic(upstream: Upstream, call: Call) -> Reply:
    """Raises Failure."""
    endpoint = ENDPOINTS[call.route]
    ask = Ask(endpoint, call.body, call.betas, call.client, version=call.version, usage=call.usage)
    answer = await upstream.ask(ask)
    return Reply(answer.content, answer.headers, answer.close)
