"""What the client is told when Anthropic refuses: the status, and its words about the request alone."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from claude_gateway.errors import ANTHROPIC_TYPES, NO_RETRY, Failure
from claude_gateway.refusal_words import ABOUT_THE_ACCOUNT, ACCOUNT, RETRY_SECONDS, WORDS
from claude_gateway.upstream.base import passed_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

CREDENTIAL = (
    "Anthropic refuses the gateway's credential: this is the operator's matter, not yours. The operator finds the "
    "reason with make logs, and sets the credential again: pulumi config set --secret anthropicApiKey, then make up."
)
MESSAGE_CHARACTERS = 2000


def refusal(status: int, headers: Mapping[str, str], content: bytes) -> Failure:
    """The failure for an error of the upstream's. Its own words go to the log, and to the client only with a 400."""
    words = _message(content)
    log.warning("the upstream answered %d: %s", status, words[:300] or "without a message")
    passed = passed_headers(headers)
    if status in (401, 403):
        return Failure(503, CREDENTIAL, code="upstream_credential", headers=passed | NO_RETRY)
    if status == 402 or (status == 400 and ABOUT_THE_ACCOUNT.search(words)):
        return Failure(503, ACCOUNT, code="upstream_account", headers=passed | NO_RETRY)
    if status == 400:
        return Failure(400, words or "Claude refuses the request.", headers=passed)
    if status in RETRY_SECONDS:
        passed.setdefault("retry-after", str(RETRY_SECONDS[status]))
    if status in WORDS:
        return Failure(status, WORDS[status], headers=passed)
    known = status if 400 <= status <= 599 and status not in (407, 408, 421) else 502
    return Failure(known, f"Claude failed with status {status}.", headers=passed)


def no_answer(headers: Mapping[str, str], content: bytes) -> Failure:
    """The failure for an answer of status 200 that is none: an error of the API's, or some middlebox's page."""
    try:
        kind = json.loads(content)["error"]["type"]
    except (ValueError, KeyError, TypeError):
        kind = None
    statuses = {name: status for status, name in ANTHROPIC_TYPES.items()}
    return refusal(statuses.get(kind, 502) if isinstance(kind, str) else 502, headers, content)


def _message(content: bytes) -> str:
    """Anthropic's own sentence; nothing of a page that some middlebox made."""
    try:
        message = json.loads(content)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return message[:MESSAGE_CHARACTERS] if isinstance(message, str) else ""
