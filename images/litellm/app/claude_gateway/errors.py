"""Errors as the two APIs give them: one shape a dialect, in whole answers and inside streams.

Anthropic: https://docs.anthropic.com/en/api/errors; OpenAI: https://platform.openai.com/docs/guides/error-codes
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from claude_gateway.dialect import Dialect

ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
OPENAI_CODES = {
    401: "invalid_api_key",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "request_too_large",
    415: "unsupported_media_type",
    429: "rate_limit_exceeded",
    504: "timeout",
    529: "overloaded",
}
NO_THREAD = "thread_unsupported_request"
"""Anthropic's code for a conversation that it cannot keep: its SDKs' tool runners then send all messages each time."""


@dataclass(eq=False)
class Failure(Exception):  # noqa: N818 - what the client is told, not a bug
    """An answer that is an error. `headers` are added to it; `param` is the JSON path of what is wrong."""

    status: int
    message: str
    param: str | None = None
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, dialect: Dialect, request_id: str) -> dict[str, Any]:
        """The error object in the client's dialect."""
        if dialect is Dialect.ANTHROPIC:
            kind = ANTHROPIC_TYPES.get(self.status, "api_error" if self.status >= 500 else "invalid_request_error")
            error: dict[str, Any] = {"type": kind, "message": self.message}
            if self.code == NO_THREAD:
                error["details"] = {"error_code": NO_THREAD, "unsupported": [self.param]}
            return {"type": "error", "error": error, "request_id": request_id}
        kind = OPENAI_TYPES.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        code = self.code or OPENAI_CODES.get(self.status)
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": code}}

    def event(self, dialect: Dialect, request_id: str) -> bytes:
        """The same inside a stream that has begun; nothing that reads like an end may follow it."""
        name = b"" if dialect is Dialect.OPENAI else b"event: error\n"
        return name + b"data: " + json.dumps(self.body(dialect, request_id)).encode() + b"\n\n"

    def response_event(self, number: int = 0) -> bytes:
        """The same in a response's stream; `error` is what OpenAI's SDKs look for."""
        error = self.body(Dialect.OPENAI, "")["error"]
        event = {**error, "type": "error", "sequence_number": number, "error": error}
        return b"event: error\ndata: " + json.dumps(event).encode() + b"\n\n"


def retry_after(seconds: int) -> dict[str, str]:
    """The header that says when to try again, in seconds."""
    return {"retry-after": str(max(1, seconds))}


# Both official SDKs obey it: what has been paid for once is not asked again.
NO_RETRY = {"x-should-retry": "false"}
