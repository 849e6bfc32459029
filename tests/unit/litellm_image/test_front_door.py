"""The ASGI layer before LiteLLM: keys, health, departures, and the shape of answers."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from claude_gateway.asgi import FrontDoor, presented_keys
from claude_gateway.claude.ending import Ending
from claude_gateway.claude.errors import ClaudeError
from claude_gateway.keys import Authenticator
from claude_gateway.request_scope import current_request
from claude_gateway.secret import Secret
from claude_gateway.settings import MasterKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_gateway.asgi_types import App, Message, Receive, Scope, Send

KEY = b"sk-the-key"
AUTHORIZED = [(b"authorization", b"Bearer " + KEY)]


class Call:
    """One request through the door to `app`, and everything that came out."""

    def __init__(self, app: App, *, draining: bool = False, own_provider: bool = True) -> None:
        self.sent: list[Message] = []
        self.ready = 0
        self.leave = asyncio.Event()
        authenticator = Authenticator(MasterKey(Secret(KEY.decode()), "now"))
        self.door = FrontDoor(
            app, authenticator, "sk-internal", lambda: draining, own_provider=own_provider, on_ready=self._note_ready
        )

    def _note_ready(self) -> None:
        self.ready += 1

    async def run(
        self, path: str = "/v1/x", headers: Any = AUTHORIZED, kind: str = "http", body: bytes = b"{}"
    ) -> Call:
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if pending:
                return pending.pop()
            await self.leave.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            self.sent.append(message)

        await self.door({"type": kind, "path": path, "method": "POST", "headers": headers}, receive, send)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def run(coroutine: Any) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, 10))


def answering(*messages: Message, before: Callable[[], None] = lambda: None, seen: list[Scope] | None = None) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if seen is not None:
            seen.append(scope)
        await receive()
        before()
        for message in messages:
            await send(dict(message))

    return app


def start(status: int = 200, content_type: bytes = b"application/json") -> Message:
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]}


def body(data: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer wrong")],
        [(b"authorization", b"\xff\x00")],
        [(b"authorization", b"Basic " + KEY)],
        [(b"x-api-key", b"wrong")],
        [(b"api-key", KEY)],
        [(b"x-litellm-api-key", KEY)],
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/", "/ui", "/health", "/health/readiness/"])
def test_without_the_key_nothing_reaches_litellm(headers: Any, path: str) -> None:
    seen: list[Scope] = []
    call = run(Call(answering(start(), body(b"{}"), seen=seen)).run(path, headers))
    assert call.status == 401
    assert json.loads(call.body)["error"]["type"] == "authentication_error"
    assert call.headers[b"www-authenticate"] == b"Bearer"
    assert seen == []


@pytest.mark.parametrize("headers", [AUTHORIZED, [(b"Authorization", b"bearer " + KEY)], [(b"x-api-key", KEY)]])
def test_litellm_never_sees_the_key(headers: Any) -> None:
    seen: list[Scope] = []
    extra = [(b"x-litellm-api-key", b"another"), (b"api-key", b"another"), (b"accept", b"*/*")]
    call = run(Call(answering(start(), body(b"{}"), seen=seen)).run(headers=[*headers, *extra]))
    assert call.status == 200
    assert seen[0]["headers"] == [(b"accept", b"*/*"), (b"authorization", b"Bearer sk-internal")]


def test_both_clients_headers_are_looked_at() -> None:
    assert presented_keys([(b"x-api-key", b" a "), (b"authorization", b"Bearer  b ")]) == [b"a", b"b"]


@pytest.mark.parametrize(
    ("path", "draining", "status"),
    [
        ("/health/readiness", False, 200),
        ("/health/readiness", True, 503),
        ("/health/liveliness", True, 200),
    ],
)
def test_health_needs_no_key_and_says_when_it_drains(path: str, draining: bool, status: int) -> None:
    assert run(Call(answering(), draining=draining).run(path, [])).status == status


def test_answers_while_draining_close_their_connection() -> None:
    assert run(Call(answering(start(), body(b"{}")), draining=True).run()).headers[b"connection"] == b"close"
    assert b"connection" not in run(Call(answering(start(), body(b"{}"))).run()).headers


def test_the_gateway_is_told_which_generation_of_the_key_was_used() -> None:
    assert run(Call(answering(start(), body(b"{}"))).run()).headers[b"x-key-generation"] == b"now"
    refused = run(Call(answering(start())).run(headers=[(b"x-api-key", b"wrong")]))
    assert b"x-key-generation" not in refused.headers


def test_websockets_are_refused() -> None:
    assert run(Call(answering()).run(kind="websocket")).sent == [{"type": "websocket.close", "code": 1008}]


def test_the_pool_is_told_when_litellm_has_started() -> None:
    call = run(Call(answering({"type": "lifespan.startup.complete"})).run(kind="lifespan"))
    assert call.ready == 1


def test_a_client_that_leaves_cancels_the_work_and_runs_its_callbacks() -> None:
    ended: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        request = current_request.get()
        assert request is not None
        request.on_close(lambda: ended.append("callback"))
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def test() -> None:
        call = Call(app)
        task = asyncio.create_task(call.run())
        await asyncio.sleep(0.05)
        call.leave.set()
        await task
        assert call.sent == []

    run(test())
    assert ended == ["cancelled", "callback"]


def test_an_application_that_asks_for_the_disconnect_gets_it() -> None:
    got: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            got.append(await receive())
        except asyncio.CancelledError:
            got.append({"type": "cancelled"})
            raise

    async def test() -> None:
        call = Call(app)
        call.leave.set()
        await call.run()

    run(test())
    assert got[0]["type"] in ("http.disconnect", "cancelled")


def test_an_application_that_fails_fails_for_the_server_too() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(Call(app).run())


def test_a_cancelled_server_cancels_the_application() -> None:
    cancelled: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def test() -> None:
        task = asyncio.create_task(Call(app).run())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(test())
    assert cancelled == [True]


def failing(status: int = 429, retry_after: int | None = 7) -> Callable[[], None]:
    def set_error() -> None:
        request = current_request.get()
        assert request is not None
        request.error = ClaudeError(status, "told so", retry_after)

    return set_error


def answered(*, ending: Ending | None = None) -> Callable[[], None]:
    def note() -> None:
        request = current_request.get()
        assert request is not None
        request.answering, request.ending = True, ending

    return note


def test_an_error_has_the_providers_status_text_and_retry_after() -> None:
    litellms = [{**start(500), "headers": [(b"content-type", b"text/plain"), (b"retry-after", b"1")]}, body(b"litellm")]
    call = run(Call(answering(*litellms, before=failing())).run())
    assert (call.status, call.headers[b"retry-after"]) == (429, b"7")
    assert json.loads(call.body)["error"]["message"] == "told so"
    assert int(call.headers[b"content-length"]) == len(call.body)


def test_a_stream_that_fails_before_its_first_piece_is_an_error_with_a_status() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(start(200, b"text/event-stream"))
        await send(body(b"event: message_start\ndata: {}\n\n", more=True))
        failing(529, None)()
        await send(body(b"event: error\ndata: litellm\n\n", more=True))
        await send(body(b""))

    call = run(Call(app).run("/v1/messages"))
    assert (call.status, call.headers[b"content-type"]) == (529, b"application/json")
    assert json.loads(call.body)["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize(
    ("path", "prefix"), [("/v1/messages", b"event: error\ndata: "), ("/v1/chat/completions", b"data: ")]
)
def test_a_stream_that_fails_later_ends_with_one_error_event(path: str, prefix: bytes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(start(200, b"text/event-stream"))
        answered()()
        await send(body(b"data: first\n\n", more=True))
        failing(529, None)()
        await send(body(b"data: litellm's words\n\n", more=True))
        await send(body(b"data: [DONE]\n\n"))

    call = run(Call(app).run(path))
    first, error = [message["body"] for message in call.sent[1:]]
    assert (call.status, first) == (200, b"data: first\n\n")
    assert error.startswith(prefix + b'{"type": "error"')
    assert not call.sent[-1].get("more_body")


@pytest.mark.parametrize("streamed", [False, True])
def test_anthropics_stop_reason_is_kept(streamed: bool) -> None:
    ending = Ending("stop_sequence", "END")
    event = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}
    whole = {"type": "message", "content": [], "stop_reason": "end_turn"}
    if streamed:
        messages = [
            start(200, b"text/event-stream"),
            body(b"event: message_delta\ndata: " + json.dumps(event).encode() + b"\n\n", more=True),
            body(b""),
        ]
    else:
        messages = [start(), body(json.dumps(whole).encode())]
    call = run(Call(answering(*messages, before=answered(ending=ending))).run("/v1/messages"))
    data = json.loads(call.body.split(b"data: ")[-1])
    assert (data["delta"] if streamed else data) | {"stop_reason": "stop_sequence", "stop_sequence": "END"} == (
        data["delta"] if streamed else data
    )


def test_with_an_api_key_answers_pass_untouched() -> None:
    call = run(Call(answering(start(200, b"text/event-stream"), body(b"x")), own_provider=False).run("/v1/messages"))
    assert call.body == b"x"


def test_an_api_key_that_anthropic_refuses_does_not_look_like_the_clients() -> None:
    call = run(Call(answering(start(401), body(b"upstream's words")), own_provider=False).run("/v1/messages"))
    assert call.status == 503
    assert "anthropicApiKey" in json.loads(call.body)["error"]["message"]
