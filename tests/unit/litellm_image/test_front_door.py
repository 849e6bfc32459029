"""The ASGI layer before LiteLLM: keys, health, and what passes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.litellm_image.door import AUTHORIZED, KEY, Call, answering, body, run, start

from claude_gateway.asgi import presented_keys

if TYPE_CHECKING:
    from claude_gateway.asgi_types import Scope


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


def test_with_an_api_key_answers_pass_untouched() -> None:
    call = run(Call(answering(start(200, b"text/event-stream"), body(b"x")), own_provider=False).run("/v1/messages"))
    assert call.body == b"x"


def test_an_api_key_that_anthropic_refuses_does_not_look_like_the_clients() -> None:
    call = run(Call(answering(start(401), body(b"upstream's words")), own_provider=False).run("/v1/messages"))
    assert call.status == 503
    assert "anthropicApiKey" in json.loads(call.body)["error"]["message"]
