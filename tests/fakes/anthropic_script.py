"""What the fake Anthropic API answers: faults by marker in the last user text, and the stream of a good answer."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKER = re.compile(r"FAKE:(?P<name>[a-z0-9_]+)(?::(?P<argument>[0-9.]+))?")
USAGE = {"input_tokens": 7, "output_tokens": 1, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2}
ACCOUNT_TEXT = "account-of-the-operator"  # must never reach a client
ERRORS = {
    "400": (400, "invalid_request_error", "messages: the fake does not like this"),
    "401": (401, "authentication_error", f"OAuth token has expired ({ACCOUNT_TEXT})"),
    "403": (403, "permission_error", f"OAuth is not allowed for this organization ({ACCOUNT_TEXT})"),
    "404": (404, "not_found_error", "model: unknown"),
    "413": (413, "request_too_large", "Request exceeds the maximum size"),
    "429": (429, "rate_limit_error", f"This request would exceed the rate limit ({ACCOUNT_TEXT})"),
    "500": (500, "api_error", "Internal server error"),
    "529": (529, "overloaded_error", "Overloaded"),
}
STOP_REASONS = {
    "maxtok": "max_tokens",
    "stopseq": "stop_sequence",
    "refusal": "refusal",
    "tool": "tool_use",
    "window": "model_context_window_exceeded",
}


@dataclass(frozen=True)
class Script:
    """What to do with one request. Seconds are waited before the head and between two pieces."""

    name: str = ""
    argument: float | None = None

    @classmethod
    def for_request(cls, body: dict[str, Any]) -> Script:
        """The script that the last user text asks for; a plain answer without a marker."""
        match = MARKER.search(last_user_text(body))
        if match is None:
            return cls()
        return cls(match["name"], float(match["argument"]) if match["argument"] else None)

    @property
    def stop_reason(self) -> str:
        return STOP_REASONS.get(self.name, "end_turn")

    @property
    def seconds_before_head(self) -> float:
        return (self.argument or 30.0) if self.name == "hang" else 0.0

    @property
    def seconds_between_pieces(self) -> float:
        return (self.argument or 0.2) if self.name == "slow" else 0.0

    def words(self, count: int) -> list[str]:
        number = 400 if self.name == "long" else 60 if self.name == "slow" else count
        return [f"word{index} " for index in range(number)]


def last_user_text(body: dict[str, Any]) -> str:
    """The text of the last user message, all of its text blocks."""
    users = [message for message in body.get("messages", []) if message.get("role") == "user"]
    if not users:
        return ""
    content = users[-1].get("content", "")
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content if isinstance(block, dict))


def error_body(kind: str, message: str) -> dict[str, Any]:
    """Anthropic's error object (https://docs.anthropic.com/en/api/errors)."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"}


def error_headers(name: str, argument: float | None) -> dict[str, str]:
    """The headers beside an error: for 429 what Anthropic sends for a subscription."""
    if name != "429":
        return {}
    seconds = int(argument or 7)
    return {
        "retry-after": str(seconds),
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": str(int(time.time()) + seconds),
    }


def message(body: dict[str, Any]) -> dict[str, Any]:
    """The message object of an answer, still empty."""
    return {
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "unknown"),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": dict(USAGE),
    }


def events(script: Script, body: dict[str, Any], words: list[str]) -> Iterator[dict[str, Any]]:
    """A complete stream for `script`."""
    yield {"type": "message_start", "message": message(body)}
    if script.name == "tool":
        block = {"type": "tool_use", "id": "toolu_fake", "name": "get_weather", "input": {}}
        yield {"type": "content_block_start", "index": 0, "content_block": block}
        delta: dict[str, Any] = {"type": "input_json_delta", "partial_json": json.dumps({"city": "Paris"})}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    else:
        yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        for word in words:
            yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
    yield {"type": "content_block_stop", "index": 0}
    sequence = "END" if script.stop_reason == "stop_sequence" else None
    delta = {"stop_reason": script.stop_reason, "stop_sequence": sequence}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": len(words)}}
    yield {"type": "message_stop"}
