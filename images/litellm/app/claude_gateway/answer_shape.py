"""Put right what LiteLLM's rendering of the provider's answer loses, for both official clients.

LiteLLM rewrites an exception's status, text and headers in ways that differ between its endpoints, begins an Anthropic
stream with status 200 before the provider has said anything, and knows only OpenAI's few stop reasons. The provider
leaves the original in the request's scope; answers are made from that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from claude_gateway.answers import error_body

if TYPE_CHECKING:
    from claude_gateway.asgi_types import Message, Send
    from claude_gateway.request_scope import RequestScope

REPLACED_HEADERS = frozenset({b"content-length", b"content-type", b"retry-after", b"transfer-encoding"})
ANTHROPIC_PATHS = ("/v1/messages", "/messages")


class AnswerShape:
    """A `send` that holds an answer back until the provider has begun it or failed."""

    def __init__(self, send: Send, request: RequestScope, path: str) -> None:
        self._send = send
        self._request = request
        self._anthropic = path.endswith(ANTHROPIC_PATHS)
        self._start: Message | None = None
        self._held = bytearray()
        self._begun = False
        self._finished = False

    async def __call__(self, message: Message) -> None:
        if self._finished:
            return
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] != "http.response.body" or self._start is None:
            await self._send(message)
        elif self._request.error is not None:
            await self._fail(self._request.error.status, self._request.error.message)
        elif self._is_stream(self._start):
            await self._stream(message)
        else:
            await self._whole(message)

    async def _stream(self, message: Message) -> None:
        more = message.get("more_body", False)
        self._held += message.get("body", b"")
        if not (self._begun or self._request.answering or not more):
            return
        await self._begin(self._start or {})
        body, self._held = bytes(self._held), bytearray()
        if self._anthropic and self._request.ending is not None and b"message_delta" in body:
            body = _with_stop_reason_in_events(body, self._stop())
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _whole(self, message: Message) -> None:
        self._held += message.get("body", b"")
        if message.get("more_body", False):
            return
        body, start = bytes(self._held), self._start or {}
        if self._anthropic and self._request.ending is not None:
            body = _with_stop_reason(body, self._stop())
            start = {**start, "headers": _headers(start, {b"content-length": str(len(body)).encode()}, keep_type=True)}
        await self._begin(start)
        await self._send({"type": "http.response.body", "body": body})

    async def _begin(self, start: Message) -> None:
        if not self._begun:
            self._begun = True
            await self._send(start)

    async def _fail(self, status: int, text: str) -> None:
        """Say that the answer failed: as a JSON answer with the status before the first byte, as an event after it.

        Nothing that reads like an end follows: no `[DONE]`, no `message_stop`.
        """
        self._finished = True
        body = json.dumps(error_body(status, text)).encode()
        if self._begun:
            event = b"event: error\n" if self._anthropic else b""
            await self._send({"type": "http.response.body", "body": event + b"data: " + body + b"\n\n"})
            return
        fields = {b"content-type": b"application/json", b"content-length": str(len(body)).encode()}
        if self._request.error is not None and self._request.error.retry_after is not None:
            fields[b"retry-after"] = str(self._request.error.retry_after).encode()
        start = self._start or {"type": "http.response.start"}
        await self._begin({**start, "status": status, "headers": _headers(start, fields)})
        await self._send({"type": "http.response.body", "body": body})

    def _stop(self) -> dict[str, Any]:
        ending = self._request.ending
        return {"stop_reason": ending.stop_reason, "stop_sequence": ending.stop_sequence} if ending else {}

    @staticmethod
    def _is_stream(start: Message) -> bool:
        return any(
            name.lower() == b"content-type" and value.startswith(b"text/event-stream")
            for name, value in start.get("headers", [])
        )


def _headers(start: Message, fields: dict[bytes, bytes], *, keep_type: bool = False) -> list[tuple[bytes, bytes]]:
    dropped = REPLACED_HEADERS - {b"content-type"} if keep_type else REPLACED_HEADERS
    return [(name, value) for name, value in start.get("headers", []) if name.lower() not in dropped] + [
        *fields.items()
    ]


def _with_stop_reason(body: bytes, stop: dict[str, Any]) -> bytes:
    message = json.loads(body)
    if isinstance(message, dict) and message.get("type") == "message":
        return json.dumps({**message, **stop}).encode()
    return body


def _with_stop_reason_in_events(body: bytes, stop: dict[str, Any]) -> bytes:
    return b"\n".join(_event_line(line, stop) for line in body.split(b"\n"))


def _event_line(line: bytes, stop: dict[str, Any]) -> bytes:
    if not line.startswith(b"data:") or b"message_delta" not in line:
        return line
    event = json.loads(line[len(b"data:") :])
    if event.get("type") == "message_delta" and event.get("delta", {}).get("stop_reason"):
        event["delta"] = {**event["delta"], **stop}
    return b"data: " + json.dumps(event).encode()
