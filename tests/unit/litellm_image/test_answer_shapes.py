"""Errors and endings reach clients in the shape that their own libraries understand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.unit.litellm_image.door import Call, answering, body, run, start

from claude_gateway.claude.ending import Ending
from claude_gateway.claude.errors import ClaudeError
from claude_gateway.request_scope import current_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from claude_gateway.asgi_types import Receive, Scope, Send


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
