"""Replace LiteLLM's rendering of the provider's error with one that both official clients understand.

LiteLLM rewrites an exception's status, text and headers in ways that differ between its endpoints; the provider has
left the original in the request's scope, so the answer is made from that.
"""

from __future__ import annotations

import json

from claude_gateway.answers import error_body
from claude_gateway.asgi_types import Message, Send
from claude_gateway.request_scope import RequestScope

DROPPED_HEADERS = frozenset({b"content-length", b"content-type", b"retry-after", b"transfer-encoding"})
ANTHROPIC_PATHS = ("/v1/messages", "/messages")


def shape_errors(send: Send, request: RequestScope, path: str) -> Send:
    """Wrap `send`: an error before the first byte becomes a JSON answer, one after it the stream's error event."""
    replaced = False
    streaming = False

    async def send_shaped(message: Message) -> None:
        nonlocal replaced, streaming
        error = request.error
        if message["type"] == "http.response.start":
            if error is not None:
                replaced = True
                payload = json.dumps(error_body(error.status, error.message)).encode()
                await send({**message, "status": error.status, "headers": _headers(message, request, len(payload))})
                await send({"type": "http.response.body", "body": payload})
                return
            streaming = any(n == b"content-type" and v.startswith(b"text/event-stream") for n, v in message["headers"])
        elif replaced:
            return
        elif error is not None and streaming:
            # One error event, then the end: no `[DONE]`, no `message_stop`, nothing that reads like a whole answer.
            replaced = True
            await send({"type": "http.response.body", "body": _event(path, error_body(error.status, error.message))})
            return
        await send(message)

    return send_shaped


def _headers(message: Message, request: RequestScope, length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in message.get("headers", []) if name.lower() not in DROPPED_HEADERS]
    headers = [*kept, (b"content-type", b"application/json"), (b"content-length", str(length).encode())]
    if request.error is not None and request.error.retry_after is not None:
        headers.append((b"retry-after", str(request.error.retry_after).encode()))
    return headers


def _event(path: str, body: dict[str, object]) -> bytes:
    data = json.dumps(body)
    prefix = "event: error\n" if path.endswith(ANTHROPIC_PATHS) else ""
    return f"{prefix}data: {data}\n\n".encode()
