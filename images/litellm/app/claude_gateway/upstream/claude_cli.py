"""The Claude CLI as the upstream: Anthropic's Messages API from a Claude login."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from claude_gateway.cli import UpstreamError, whole
from claude_gateway.cli.errors import ACCOUNT_REFUSED, LOGIN_EXPIRED
from claude_gateway.errors import NO_RETRY, Failure, retry_after
from claude_gateway.refusal_words import ACCOUNT, SILENT
from claude_gateway.upstream.base import Answer, Ask, Endpoint
from claude_gateway.upstream.token_estimate import estimate_tokens
from claude_gateway.upstream.usage import noted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

    from claude_gateway.cli import ClaudePool
    from claude_gateway.upstream.base import Usage


RENEWAL_ADVICE = (
    "The gateway's Claude token has expired or is refused: the operator makes a new one with claude setup-token, then "
    "pulumi config set --secret claudeOauthToken, then make up."
)
SETTLED = frozenset({SILENT, LOGIN_EXPIRED, ACCOUNT_REFUSED, ACCOUNT})
"""What another try only makes dearer, as with an API key (upstream/refusals.py)."""
COUNTS_AT_A_TIME = 2
"""In threads of their own: the event loop's own ones end processes of the pool."""


class ClaudeCli:
    """Answers from a pool of CLI processes. It has no way to count tokens, so those are estimated here."""

    def __init__(self, pool: ClaudePool, *, with_token: bool) -> None:
        self._pool = pool
        self._advice = {LOGIN_EXPIRED: RENEWAL_ADVICE} if with_token else {}
        self._counters = ThreadPoolExecutor(COUNTS_AT_A_TIME, "count-tokens")
        self._counting = asyncio.Semaphore(COUNTS_AT_A_TIME)

    @property
    def gauges(self) -> Mapping[str, Callable[[], float]]:
        pool = self._pool
        return {
            "processes": lambda: pool.live,
            "processes_busy": lambda: pool.live - pool.idle,
            "processes_idle": lambda: pool.idle,
            "requests_waiting": lambda: pool.waiting,
        }

    @property
    def counts(self) -> Mapping[str, int]:
        """What has happened to processes, by the names of api/metrics.py."""
        return self._pool.counts

    async def start(self) -> None:
        self._pool.start()

    async def close(self) -> None:
        await self._pool.close()

    async def ask(self, ask: Ask) -> Answer:
        """Raises Failure before the answer begins, or while it is read."""
        if ask.endpoint is Endpoint.COUNT_TOKENS:
            return Answer(_once({"input_tokens": await self._counted(ask.body)}))
        events = self._pool.events(ask.body, betas=ask.betas, client=ask.client)
        if not ask.streamed:
            return Answer(self._whole(events, ask.usage), close=events.aclose)
        try:
            first = await anext(events)  # so that a refusal has a status of its own
        except UpstreamError as error:
            raise self._failure(error) from error
        except BaseException:
            await events.aclose()
            raise
        return Answer(self._encoded(first, events), close=events.aclose)

    async def _counted(self, body: Mapping[str, Any]) -> int:
        """Who leaves while it waits is forgotten with its body, which no executor's queue keeps."""
        await self._counting.acquire()
        counted = asyncio.get_running_loop().run_in_executor(self._counters, estimate_tokens, body)
        counted.add_done_callback(lambda _: self._counting.release())
        return await asyncio.shield(counted)

    async def _whole(self, events: AsyncGenerator[dict[str, Any], None], usage: Usage) -> AsyncIterator[bytes]:
        try:
            async with aclosing(events):
                message = await whole(noted(events, usage))
        except UpstreamError as error:
            raise self._failure(error) from error
        yield json.dumps(message).encode()

    async def _encoded(
        self, first: dict[str, Any], events: AsyncGenerator[dict[str, Any], None]
    ) -> AsyncIterator[bytes]:
        yield _event(first)
        try:
            async with aclosing(events):
                async for event in events:
                    yield _event(event)
        except UpstreamError as error:
            raise self._failure(error) from error

    def _failure(self, error: UpstreamError) -> Failure:
        message = self._advice.get(error.message, error.message)
        settled = NO_RETRY if error.message in SETTLED else {}
        return Failure(error.status, message, headers=retry_after(error.retry_after) if error.retry_after else settled)


async def _once(body: dict[str, Any]) -> AsyncIterator[bytes]:
    yield json.dumps(body).encode()


def _event(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
