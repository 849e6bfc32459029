"""How much a client may ask: requests and tokens a minute, and requests at a time."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute

from claude_gateway.dialect import Dialect
from claude_gateway.errors import Failure, retry_after

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from limits import RateLimitItem

    from claude_gateway.api.counts import Counts
    from claude_gateway.config.clients import Client

REQUESTS, TOKENS, PARALLEL = "requests", "tokens", "parallel"
NAMES = {
    Dialect.OPENAI: ("x-ratelimit-limit-{}", "x-ratelimit-remaining-{}", "x-ratelimit-reset-{}"),
    Dialect.ANTHROPIC: (
        "anthropic-ratelimit-{}-limit",
        "anthropic-ratelimit-{}-remaining",
        "anthropic-ratelimit-{}-reset",
    ),
}
"""https://platform.openai.com/docs/guides/rate-limits and https://docs.claude.com/en/api/rate-limits"""


class ClientLimits:
    """What each client has asked within its minute, and asks right now."""

    def __init__(self, counts: Counts, note: Callable[[str, str], None]) -> None:
        self._counts = counts
        self._note = note  # a client has met a limit, which is one of REQUESTS, TOKENS, PARALLEL

    @asynccontextmanager
    async def admitted(self, client: Client, dialect: Dialect) -> AsyncIterator[dict[str, str]]:
        """Holds one of the client's places while its request runs; yields what is left, as headers for the answer.

        Raises Failure (429) beyond a limit.
        """
        tokens, requests = _per_minute(client.tokens_per_minute), _per_minute(client.requests_per_minute)
        if tokens and not await self._counts.test(tokens, client.name, TOKENS):
            await self._refuse_until_reset(client, dialect, TOKENS, tokens)
        if requests and not await self._counts.hit(requests, client.name, REQUESTS):
            await self._refuse_until_reset(client, dialect, REQUESTS, requests)
        headers = await self.headers(client, dialect)
        if (number := client.max_parallel) is None:
            yield headers
            return
        async with self._counts.place(client.name, number) as free:
            if not free:
                self._note(client.name, PARALLEL)
                self._refuse(f"This key may have {number} requests at a time: wait until one of them ends.", 1, headers)
            yield headers

    async def used(self, client: Client, tokens: int) -> None:
        """Counts the tokens of an answer; what goes over the limit delays the next request, never cuts this one."""
        if (limit := _per_minute(client.tokens_per_minute)) and tokens:
            await self._counts.hit(limit, client.name, TOKENS, cost=tokens)

    async def headers(self, client: Client, dialect: Dialect) -> dict[str, str]:
        """What is left of the client's own limits, in the dialect's headers; empty for a client that has none."""
        found: dict[str, str] = {}
        for kind, limit in (
            (REQUESTS, _per_minute(client.requests_per_minute)),
            (TOKENS, _per_minute(client.tokens_per_minute)),
        ):
            if limit:
                reset, remaining = await self._counts.window(limit, client.name, kind)
                values = (str(limit.amount), str(remaining), _reset(reset, dialect))
                found |= {name.format(kind): value for name, value in zip(NAMES[dialect], values, strict=True)}
        return found

    async def _refuse_until_reset(self, client: Client, dialect: Dialect, kind: str, limit: RateLimitItem) -> None:
        self._note(client.name, kind)
        reset, _ = await self._counts.window(limit, client.name, kind)
        wait = round(reset - time.time() + 0.5)
        self._refuse(
            f"This key may use {limit.amount} {kind} a minute: try again in {max(1, wait)} s.",
            wait,
            await self.headers(client, dialect),
        )

    @staticmethod
    def _refuse(message: str, wait: int, headers: dict[str, str]) -> None:
        raise Failure(429, message, headers={**headers, **retry_after(wait)})


def _per_minute(amount: int | None) -> RateLimitItem | None:
    return RateLimitItemPerMinute(amount) if amount is not None else None


def _reset(at: float, dialect: Dialect) -> str:
    if dialect is Dialect.ANTHROPIC:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{max(0, round(at - time.time()))}s"
