"""What belongs to one HTTP request: things to end with it, and the error that it ended in.

The provider runs deep inside LiteLLM, which does not pass a client's departure on. A context variable connects the two.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_gateway.claude.ending import Ending
    from claude_gateway.claude.errors import ClaudeError

log = logging.getLogger(__name__)


class RequestScope:
    """Callbacks to run when the request is over, however it ends, and what the provider says about its answer."""

    def __init__(self) -> None:
        self.error: ClaudeError | None = None
        self.answering = False  # the provider has given the first piece
        self.ending: Ending | None = None
        self._callbacks: list[Callable[[], None]] = []
        self.closed = False

    def on_close(self, callback: Callable[[], None]) -> None:
        """Run `callback` once at the end of the request; at once if it has ended already."""
        if self.closed:
            callback()
        else:
            self._callbacks.append(callback)

    def close(self) -> None:
        self.closed = True
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            try:
                callback()
            except Exception:
                log.exception("a callback at the end of a request failed")


current_request: ContextVar[RequestScope | None] = ContextVar("current_request", default=None)
