"""What can go wrong between a request and Claude, and how the CLI's report of it maps to an HTTP status."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import re
import time
from typing import TYPE_CHECKING, Any

from claude_gateway.refusal_words import (
    ABOUT_THE_ACCOUNT,
    ACCOUNT,
    BROKE_OFF,
    RETRY_SECONDS,
    UNREACHABLE,
    UNREACHABLE_RETRY_SECONDS,
    WORDS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

LOGIN_EXPIRED = "The gateway's Claude login has expired or is missing: log in again: make login"
ACCOUNT_REFUSED = "Anthropic refuses the gateway's Claude account: the operator must look at it (make logs)."
MAX_WORDS = 500  # characters of Anthropic's own sentence
# What the CLI says, without a status, when it has no login at all, and when there is no way to Anthropic (CLI 2.1.331).
NO_LOGIN_MARKS = ("not logged in", "/login", "invalid api key", "oauth token has expired", "oauth token revoked")
NO_WAY = re.compile(
    r"unable to connect to api|\((?:ECONNREFUSED|ConnectionRefused|ENOTFOUND|EAI_AGAIN|FailedToOpenSocket"
    r"|E(?:NET|HOST)(?:UNREACH|DOWN)|ERR_PROXY_TUNNEL)\)",
    re.IGNORECASE,
)


class UpstreamError(Exception):
    """No answer. `status` is what the client gets, `retry_after` is in seconds."""

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after


def from_result(result: Mapping[str, Any], rate_limit: Mapping[str, Any], *, now: float | None = None) -> UpstreamError:
    """The error in a CLI `result` frame. `rate_limit` is the last rate_limit_event's info; `now` in epoch seconds.

    `api_error_status` is the upstream's HTTP status; `subtype` says "success" even for errors, so it is not read. The
    upstream's words about the operator's account go to the log, never to the client.
    """
    status = result.get("api_error_status")
    text = _text(result)
    log.warning("Claude answered with an error: status %s: %s", status, text[:300])
    if status == 401 or (status is None and any(mark in text.lower() for mark in NO_LOGIN_MARKS)):
        return UpstreamError(503, LOGIN_EXPIRED)
    if status == 403:
        return UpstreamError(503, ACCOUNT_REFUSED)
    if status == 400:
        words = _refusal(text)
        return UpstreamError(503, ACCOUNT) if ABOUT_THE_ACCOUNT.search(words) else UpstreamError(400, words)
    if status in WORDS:
        retry_after = {429: _retry_after(rate_limit, now), 529: RETRY_SECONDS[529]}.get(status)
        return UpstreamError(status, WORDS[status], retry_after)
    if status is None:
        no_way = UpstreamError(503, UNREACHABLE, UNREACHABLE_RETRY_SECONDS)
        return no_way if NO_WAY.search(text) else UpstreamError(502, BROKE_OFF)
    return UpstreamError(status if 500 <= status <= 599 else 502, f"Claude failed with status {status}.")


def _text(result: Mapping[str, Any]) -> str:
    return str(result.get("result") or result.get("errors") or result.get("subtype") or "no text")


def _refusal(text: str) -> str:
    """Anthropic's own sentence about a request that it refuses."""
    words = re.sub(r"^API Error:\s*(\d{3}\s*)?", "", text).strip()
    with contextlib.suppress(ValueError, TypeError, KeyError):
        words = str(json.loads(words)["error"]["message"])
    if "<html" in words.lower() or "<!doctype" in words.lower():
        return "Something on the way to Anthropic refuses the request and does not say why."
    return words[:MAX_WORDS] or "Claude refuses the request."


def _retry_after(rate_limit: Mapping[str, Any], now: float | None) -> int:
    """Seconds until the limit's reset, as the upstream announced it; the CLI hides the retry-after header itself."""
    resets_at = rate_limit.get("resetsAt")
    left = resets_at - (time.time() if now is None else now) if isinstance(resets_at, int | float) else 0
    return math.ceil(left) if left > 0 else RETRY_SECONDS[429]
