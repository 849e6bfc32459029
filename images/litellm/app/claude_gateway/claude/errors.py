"""What can go wrong between a request and Claude, and how the CLI's report of it maps to an HTTP status."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

LOGIN_EXPIRED = "The gateway's Claude login has expired or is missing: log in again: make login"
OVERLOADED_RETRY_SECONDS = 5
RATE_LIMIT_RETRY_SECONDS = 30
# What the CLI says, without a status, when it has no login at all (claude-agent-sdk 0.2.188).
NO_LOGIN_MARKS = ("not logged in", "/login", "invalid api key", "oauth token has expired", "oauth token revoked")


class ClaudeError(Exception):
    """An answer that could not be given. `retry_after` is in seconds; `status` is what the client gets."""

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def unsupported(message: str) -> ClaudeError:
    """What Claude would not get to see: 400, with a text that names it."""
    return ClaudeError(400, message)


def from_result(  # noqa: PLR0911 - one line a status
    result: Mapping[str, Any], rate_limit: Mapping[str, Any], *, now: float | None = None
) -> ClaudeError:
    """The error in a CLI `result` frame. `rate_limit` is the last rate_limit_event's info; `now` in epoch seconds.

    `api_error_status` is the upstream's HTTP status; `subtype` says "success" even for errors, so it is not read. The
    upstream's words about the operator's account go to the log, never to the client.
    """
    status = result.get("api_error_status")
    text = _text(result)
    log.warning("Claude answered with an error: status %s: %s", status, text[:300])
    if status == 401 or (status is None and any(mark in text.lower() for mark in NO_LOGIN_MARKS)):
        return ClaudeError(503, LOGIN_EXPIRED)
    if status == 403:
        return ClaudeError(
            503, "Anthropic refuses the gateway's Claude account: the operator must look at it (make logs)."
        )
    if status == 404:
        return ClaudeError(404, "Anthropic does not know this model: the operator must correct the setting models.")
    if status == 429:
        return ClaudeError(429, "Claude's rate limit is reached.", _retry_after(rate_limit, now))
    if status == 529:
        return ClaudeError(529, "Claude is overloaded.", OVERLOADED_RETRY_SECONDS)
    if status == 413:
        return ClaudeError(413, "The request is too large for Claude.")
    if status == 400:
        return ClaudeError(400, f"Claude refuses the request: {_upstream_message(text)}")
    if status is None:
        return ClaudeError(502, "The answer from Claude broke off.")
    return ClaudeError(status if 500 <= status <= 599 else 502, f"Claude failed with status {status}.")


def _text(result: Mapping[str, Any]) -> str:
    return str(result.get("result") or result.get("errors") or result.get("subtype") or "no text")


def _upstream_message(text: str) -> str:
    return text.removeprefix("API Error: ").removeprefix("400 ")[:500]


def _retry_after(rate_limit: Mapping[str, Any], now: float | None) -> int:
    """Seconds until the limit's reset, as the upstream announced it; the CLI hides the retry-after header itself."""
    resets_at = rate_limit.get("resetsAt")
    if not isinstance(resets_at, int | float):
        return RATE_LIMIT_RETRY_SECONDS
    return max(1, int(resets_at - (time.time() if now is None else now)))
