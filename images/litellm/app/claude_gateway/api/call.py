"""One admitted request, as the routes see it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from claude_gateway.upstream.base import Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from claude_gateway.api.annotations import Annotations
    from claude_gateway.api.contract import Route
    from claude_gateway.errors import Failure
    from claude_gateway.upstream.base import Answer


@dataclass
class Call:
    """`body` has passed the contract.

    `passed` is put into what LiteLLM makes of it; `failure` and `headers` are what the upstream said to LiteLLM, and
    `close` ends the upstream's answer, which LiteLLM leaves to itself when a client goes. `answer` is that answer where
    LiteLLM does not get it, and `annotations` are what LiteLLM does not tell of it.
    """

    route: Route
    request_id: str
    client: str
    body: dict[str, Any]
    betas: tuple[str, ...] = ()
    version: str | None = None  # of Anthropic's API, as the client speaks it
    passed: dict[str, Any] = field(default_factory=dict)
    failure: Failure | None = None
    headers: dict[str, str] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]] | None = None
    answer: Answer | None = None
    annotations: Annotations | None = None
    usage: Usage = field(default_factory=Usage)

    @property
    def streamed(self) -> bool:
        return bool(self.body.get("stream"))


@dataclass
class Reply:
    """A good answer: JSON in one piece, or events. `close` ends what is behind it."""

    content: AsyncIterator[bytes]
    headers: dict[str, str] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]] | None = None


current_call: ContextVar[Call] = ContextVar("current_call")
"""The call for which LiteLLM asks the upstream; LiteLLM's own functions have no place for it."""
