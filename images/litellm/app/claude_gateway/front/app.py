"""The ASGI application: who asks, what for, and the one answer that each request gets."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from claude_gateway.front import json_body
from claude_gateway.front.body import ClientLeft
from claude_gateway.front.call import Call, Reply
from claude_gateway.front.contract import Dialect, Models, Rejection, Route, admit, request_betas
from claude_gateway.front.disconnect import run_until_client_leaves
from claude_gateway.front.errors import Failure, retry_after
from claude_gateway.front.heartbeat import Heartbeat
from claude_gateway.front.keys import Admission, Authenticator, Refusal, presented_keys
from claude_gateway.front.listing import model_answer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from starlette.types import Message, Receive, Scope, Send

    from claude_gateway.front.body import Bodies
    from claude_gateway.front.failed_keys import FailedKeys

log = logging.getLogger(__name__)

HEALTH_PATHS = frozenset({"/health/readiness", "/health/liveliness", "/health/liveness"})
GREETINGS = frozenset({"/", "/api/hello"})  # Claude Code asks these whether anybody is there
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
REQUEST_ID_HEADER, SOURCE_HEADER = b"x-request-id", b"x-gateway-source"  # set by the gateway in front
OWN_ADDRESS = "127.0.0.1"  # the checks of the stack's security ask from inside, also with wrong keys
GENERATION_HEADER = b"x-key-generation"  # the gateway takes it off the answer


class FrontDoor:
    """Answers every request: `answer` those that the contract admits; `is_draining` each readiness check."""

    def __init__(
        self,
        authenticator: Authenticator,
        failed_keys: FailedKeys,
        bodies: Bodies,
        models: Models,
        answer: Callable[[Call], Awaitable[Reply]],
        is_draining: Callable[[], bool],
        *,
        drop_params: bool,
    ) -> None:
        self._authenticator = authenticator
        self._failed_keys = failed_keys
        self._bodies = bodies
        self._models = models
        self._answer = answer
        self._is_draining = is_draining
        self._drop_params = drop_params

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await run_until_client_leaves(self._http, scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # uvicorn answers 403: no model speaks it here

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(scope, send, draining=self._is_draining())
        try:
            await self._served(exchange, receive)
        except Failure as failure:
            await exchange.fail(failure)
        except Rejection as rejection:
            await exchange.fail(Failure(rejection.status, rejection.message, rejection.param, rejection.code))
        except ClientLeft:
            exchange.status = 499
        except Exception:
            log.exception("request %s failed", exchange.request_id)
            await exchange.fail(Failure(500, "The gateway failed: the operator finds the reason with make logs."))
        finally:
            exchange.note()

    async def _served(self, exchange: _Exchange, receive: Receive) -> None:
        method, path = exchange.scope["method"], exchange.scope["path"]
        if path in HEALTH_PATHS:
            exchange.quiet = True
            draining = path == "/health/readiness" and self._is_draining()
            await exchange.json(503 if draining else 200, {"status": "draining" if draining else "ready"})
            return
        if method == "HEAD" and path in GREETINGS:
            await exchange.json(200, {})
            return
        self._admit_key(exchange)
        route, identifier = Route.of(path)
        if route is None:
            raise Failure(404, "Not found: only the model API is served here.")
        if method not in route.methods:
            raise Failure(405, f"{method} is not a method of {path}.", headers={"allow": ", ".join(route.methods)})
        if route in (Route.MODELS, Route.MODEL):
            await exchange.json(200, model_answer(self._models, exchange.dialect, identifier))
            return
        await self._ask(exchange, route, receive)

    def _admit_key(self, exchange: _Exchange) -> None:
        verdict = self._authenticator.check(presented_keys(exchange.scope["headers"]))
        if isinstance(verdict, Refusal):
            counts = verdict is not Refusal.MISSING and exchange.source != OWN_ADDRESS
            if counts and (wait := self._failed_keys.note(exchange.source)):
                raise Failure(429, "Too many wrong keys from this address; try again later.", headers=retry_after(wait))
            raise Failure(401, verdict.value, headers={"www-authenticate": "Bearer"})
        exchange.admission = verdict

    async def _ask(self, exchange: _Exchange, route: Route, receive: Receive) -> None:
        reading = self._bodies.reading()
        try:
            raw = await reading.read(receive, exchange.headers)
            asked = json_body.parse(raw)
            del raw
            exchange.model = asked.get("model")
            body = admit(route, asked, models=self._models, drop=self._drop_params)
            betas = request_betas(exchange.scope["headers"], drop=self._drop_params)
            version = exchange.headers.get(b"anthropic-version")
            call = Call(route, exchange.request_id, "master", body, tuple(betas))
            call.version = version.decode("latin-1").strip() if version else None
            if call.streamed:
                await exchange.stream(self._answer(call))
            else:
                await exchange.whole(await self._answer(call))
        finally:
            reading.close()


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send, *, draining: bool) -> None:
        self.scope = scope
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        given = self.headers.get(REQUEST_ID_HEADER, b"").decode("latin-1")
        self.request_id = given if REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        client = scope.get("client") or ("unknown", 0)
        self.source = self.headers.get(SOURCE_HEADER, b"").decode("latin-1") or client[0]
        self.dialect = dialect_of(scope["path"], self.headers)
        self.admission: Admission | None = None
        self.model: Any = None
        self.status = 0
        self.upstream_id = "-"
        self.quiet = False
        self._send = send
        self._draining = draining
        self._started = time.monotonic()

    async def json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        payload = json.dumps(body).encode()
        await self._begin(
            status, {"content-type": "application/json", "content-length": str(len(payload)), **(headers or {})}
        )
        await self._send({"type": "http.response.body", "body": b"" if self.scope["method"] == "HEAD" else payload})

    async def fail(self, failure: Failure) -> None:
        self.upstream_id = failure.headers.get("request-id", self.upstream_id)
        if self.status == 0:
            await self.json(failure.status, failure.body(self.dialect, self.request_id), failure.headers)
        else:  # the answer has begun
            event = failure.event(self.dialect, self.request_id)
            await self._send({"type": "http.response.body", "body": event})

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
        self.upstream_id = reply.headers.get("request-id", "-")
        try:
            async with aclosing(cast("AsyncGenerator[bytes, None]", reply.content)) as content:
                yield content
        finally:
            if reply.close is not None:
                await reply.close()

    async def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.status = status
        raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        raw.append((REQUEST_ID_HEADER, self.request_id.encode()))
        if self.admission is not None:
            raw.append((GENERATION_HEADER, self.admission.generation.encode()))
        if self._draining and "connection" not in headers:
            raw.append((b"connection", b"close"))  # the next connection is to be opened elsewhere
        message: Message = {"type": "http.response.start", "status": status, "headers": raw}
        await self._send(message)

    def note(self) -> None:
        """One line for the request; the model's name only where it is a short text."""
        if self.quiet:
            return
        model = self.model if isinstance(self.model, str) and len(self.model) <= 128 else "-"
        log.info(
            "request %s %s %s model %r status %d in %d ms, upstream request %s",
            self.request_id,
            self.scope["method"],
            self.scope["path"][:128],
            model,
            self.status or 499,
            (time.monotonic() - self._started) * 1000,
            self.upstream_id,
        )


def dialect_of(path: str, headers: dict[bytes, bytes]) -> Dialect:
    """Whose errors and models the client understands: by route, else by the header that Anthropic's clients send."""
    route, _ = Route.of(path)
    if route is not None and route not in (Route.MODELS, Route.MODEL):
        return route.dialect
    return Dialect.ANTHROPIC if b"anthropic-version" in headers else Dialect.OPENAI
