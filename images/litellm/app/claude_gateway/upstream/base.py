"""What an upstream is asked, and what it answers."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

PASSED_HEADERS = ("retry-after", "request-id", "anthropic-ratelimit-", "x-should-retry")
"""Beginnings of the names of the upstream's headers that reach the client; `anthropic-organization-id` does not."""


class Endpoint(StrEnum):
    """The two parts of Anthropic's API that are asked."""

    MESSAGES = "/v1/messages"
    COUNT_TOKENS = "/v1/messages/count_tokens"


@dataclass
class Usage:
    """Tokens of one answer, as the upstream counts them.

    And of a stream when the first one came (monotonic clock), and whether it has ended with an error.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    first_token: float | None = field(default=None, compare=False)
    broken_off: bool = field(default=False, compare=False)

    @property
    def counted(self) -> int:
        """What counts against a limit of tokens: not what the cache held, as in Anthropic's own limits."""
        return self.input + self.cache_write + self.output


@dataclass(frozen=True)
class Ask:
    """One request to Claude. `client` is whose request it is; `content` is `body` as JSON, where it is at hand."""

    endpoint: Endpoint
    body: Mapping[str, Any]
    betas: tuple[str, ...]
    client: str
    content: bytes | None = None
    version: str | None = None  # of the API, where the client speaks it itself
    usage: Usage = field(default_factory=Usage)  # filled while the answer is read

    @property
    def streamed(self) -> bool:
        return bool(self.body.get("stream"))

    def encoded(self) -> bytes:
        return self.content if self.content is not None else json.dumps(self.body, ensure_ascii=False).encode()


async def _nothing() -> None:
    """Nothing is held."""


@dataclass
class Answer:
    """A good answer: a JSON object in one piece, or the events of a stream as bytes. `close` must be awaited."""

    content: AsyncIterator[bytes]
    headers: dict[str, str] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]] = _nothing


class Upstream(Protocol):
    """Anthropic's Messages API, by whatever way. Errors are raised as `errors.Failure`, ready for the client."""

    async def start(self) -> None: ...
    async def ask(self, ask: Ask) -> Answer: ...
    async def close(self) -> None: ...


def passed_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What of the upstream's headers the client gets. `retry-after` is in seconds: not every SDK reads dates.

    A value that no header may have, as by a middlebox, would end the answer.
    """
    passed = {
        name.lower(): value
        for name, value in headers.items()
        if name.lower().startswith(PASSED_HEADERS) and value.isascii() and value.isprintable()
    }
    if "retry-after" in passed:
        seconds = _seconds(passed.pop("retry-after"))
        passed |= {} if seconds is None else {"retry-after": str(seconds)}
    return passed


def _seconds(retry_after: str) -> int | None:
    try:
        wait = float(retry_after)
    except ValueError:
        try:
            wait = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except ValueError:
            return None
    return max(1, math.ceil(wait)) if math.isfinite(wait) else None
