"""One request and its one answer: JSON, events, or an error in the client's dialect; and what the log keeps of it."""

from __future__ import annotations

import json
import re
import secrets
import time
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from claude_gateway.api.contract import Route
from claude_gateway.api.heartbeat import Heartbeat
from claude_gateway.api.usage_line import UsageLine
from claude_gateway.dialect import Dialect
from claude_gateway.upstream.base import Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable

    from starlette.types import Message, Scope, Send

    from claude_gateway.api.call import Reply
    from claude_gateway.api.keys import Admission
    from claude_gateway.api.metrics import Metrics
    from claude_gateway.errors import Failure

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
REQUEST_ID_HEADER, SOURCE_HEADER = b"x-request-id", b"x-gateway-source"  # set by the gateway in front
GENERATION_HEADER = b"x-key-generation"  # the gateway takes it off the answer
BELOW_MESSAGES = "/messages/"


class Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send, *, draining: bool) -> None:
        self.scope = scope
        self.headers = _joined(scope["headers"])
        given = self.headers.get(REQUEST_ID_HEADER, b"").decode("latin-1")
        self.request_id = given if REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        client = scope.get("client") or ("unknown", 0)
        self.source = self.headers.get(SOURCE_HEADER, b"").decode("latin-1") or client[0]
        self.dialect = dialect_of(scope["path"], self.headers)
        self.admission: Admission | None = None
        self.limits: dict[str, str] = {}
        self.usage = Usage()
        self.model = ""  # as the client named it, once it is known to be one
        self.upstream_model: str | None = None
        self.route: Route | None = None
        self.status = 0
        self.broken = self.left = False
        self.upstream_id = ""
        self.quiet = False
        """Neither logged nor counted."""
        self.flood = False
        """Counted, and no line of the log: whoever has no key would push out the others' lines."""
        self._send = send
        self._draining = draining
        self._began = datetime.now(UTC)
        self._started = time.monotonic()
        self._first_byte: float | None = None

    async def json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        payload = json.dumps(body).encode()
        await self._send_whole(status, payload, {"content-type": "application/json", **(headers or {})})

    async def text(self, payload: bytes, content_type: str) -> None:
        await self._send_whole(200, payload, {"content-type": content_type})

    async def _send_whole(self, status: int, payload: bytes, headers: dict[str, str]) -> None:
        await self._begin(status, {"content-length": str(len(payload)), **headers})
        await self._send({"type": "http.response.body", "body": b"" if self.scope["method"] == "HEAD" else payload})

    async def fail(self, failure: Failure) -> None:
        self.upstream_id = failure.headers.get("request-id", self.upstream_id)
        if self.status == 0:
            await self.json(failure.status, failure.body(self.dialect, self.request_id), failure.headers)
        else:  # the answer has begun
            self.broken = True
            response = self.route is Route.RESPONSES
            event = failure.response_event() if response else failure.event(self.dialect, self.request_id)
            await self._send({"type": "http.response.body", "body": b"\n\n" + event})  # an event may have begun

    async def whole(self, reply: Reply) -> None:
        async with self._content(reply) as content:
            payload = b"".join([piece async for piece in content])
        length = {"content-type": "application/json", "content-length": str(len(payload))}
        await self._begin(200, {**length, **reply.headers})
        await self._send({"type": "http.response.body", "body": payload})

    async def stream(self, answering: Awaitable[Reply]) -> None:
        """The head is sent with the first piece, or with the first ping: from then on a failure is an event."""

        async def begin(headers: dict[str, str] | None = None) -> None:
            if self.status == 0:
                await self._begin(200, {"content-type": "text/event-stream; charset=utf-8", **(headers or {})})

        async def send(piece: bytes) -> None:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})

        heartbeat = Heartbeat(self.dialect, begin, send)
        async with heartbeat.beating():
            reply = await answering
            async with self._content(reply) as content:
                await begin(reply.headers)
                async for piece in content:
                    await heartbeat.sent(piece)
        await self._send({"type": "http.response.body", "body": b""})

    @asynccontextmanager
    async def _content(self, reply: Reply) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """What the reply holds; in the end it is closed, and what is behind it."""
        self.upstream_id = reply.headers.get("request-id", "")
        try:
            async with aclosing(cast("AsyncGenerator[bytes, None]", reply.content)) as content:
                yield content
        finally:
            if reply.close is not None:
                await reply.close()

    async def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.status = status
        self._first_byte = time.monotonic()
        sent = {**headers, **self.limits}  # a client's own limits, rather than those of the account behind it
        raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in sent.items()]
        raw.append((REQUEST_ID_HEADER, self.request_id.encode()))
        if self.admission is not None:
            raw.append((GENERATION_HEADER, self.admission.generation.encode()))
        if self._draining and "connection" not in headers:
            raw.append((b"connection", b"close"))  # the next connection is to be opened elsewhere
        message: Message = {"type": "http.response.start", "status": status, "headers": raw}
        await self._send(message)

    def note(self, metrics: Metrics) -> None:
        """Writes and counts who used what."""
        if self.quiet:
            return
        first_byte = time.monotonic() if self._first_byte is None else self._first_byte
        line = UsageLine(
            time=self._began.isoformat(timespec="milliseconds"),
            request_id=self.request_id,
            client=self.admission.client.name if self.admission else "",
            generation=self.admission.generation if self.admission else "",
            route=f"{self.scope['method']} {self.scope['path']}"[:128],
            model=self.model,
            status=self.status or 499,
            end=self._end(),
            ms_first_byte=self._ms_until(first_byte),
            ms_first_token=self._ms_until(self.usage.first_token) if self.usage.first_token else 0,
            ms_total=self._ms_until(time.monotonic()),
            input_tokens=self.usage.input,
            output_tokens=self.usage.output,
            cache_read_tokens=self.usage.cache_read,
            cache_write_tokens=self.usage.cache_write,
            upstream_request_id=self.upstream_id,
        )
        if not self.flood:
            line.write(self.upstream_model)
        metrics.observe(line, self.route, self.upstream_model)

    def _ms_until(self, moment: float) -> int:
        return round((moment - self._started) * 1000)

    def _end(self) -> str:
        if self.left or self.status == 0:
            return "client-left"
        if self.broken or (self.status < 400 and self.usage.broken_off):
            return "broken-off"
        return "complete" if self.status < 400 else "refused" if self.status < 500 else "failed"


def dialect_of(path: str, headers: dict[bytes, bytes]) -> Dialect:
    """Whose errors and models the client understands: by route, else by the header that Anthropic's clients send."""
    route, _ = Route.of(path)
    if route is not None and route not in (Route.MODELS, Route.MODEL):
        return route.dialect
    if BELOW_MESSAGES in path:  # batches, a slash too many
        return Dialect.ANTHROPIC
    return Dialect.ANTHROPIC if b"anthropic-version" in headers else Dialect.OPENAI


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Each header's value; of one that is there twice, the list that both are (RFC 9110, 5.3)."""
    made: dict[bytes, bytes] = {}
    for name, value in headers:
        made[name] = made[name] + b", " + value if name in made else value
    return made
