"""What a request meets before anybody is asked: its key, its route, its dialect."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.litellm_image.door import ASKED, AUTHORIZED, KEY, Door, pieces

from claude_gateway.api.call import Call, Reply
from claude_gateway.api.keys import presented_keys
from claude_gateway.errors import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHAT = "/v1/chat/completions"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer wrong")],
        [(b"authorization", b"\xff\x00")],
        [(b"authorization", b"Basic " + KEY)],
        [(b"authorization", KEY + b" more")],
        [(b"x-api-key", b"wrong")],
        [(b"api-key", KEY)],
        [(b"x-litellm-api-key", KEY)],
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/", "/ui", "/health", "/health/readiness/", "/v1/models"])
async def test_without_the_key_nobody_is_asked(headers: Any, path: str) -> None:
    door = await Door().ask(path, headers=headers)
    assert door.status == 401
    assert door.error["type"] == "authentication_error"
    assert door.headers[b"www-authenticate"] == b"Bearer"
    assert door.calls == []


@pytest.mark.parametrize(
    "path", ["/", "/key/generate", "/v1/embeddings", "/v1/messages/", "/V1/messages", "/health", "/v1/files"]
)
async def test_only_the_model_api_is_served(path: str) -> None:
    door = await Door().ask(path)
    assert (door.status, door.calls) == (404, [])
    assert door.error["message"]


@pytest.mark.parametrize(
    ("path", "allow"),
    [("/v1/messages", b"POST"), ("/v1/models", b"GET, HEAD"), ("/health/readiness", b"GET, HEAD")],
)
async def test_a_wrong_method_is_told_the_right_one(path: str, allow: bytes) -> None:
    door = await Door().ask(path, method="DELETE")
    assert (door.status, door.headers[b"allow"]) == (405, allow)


async def test_a_path_has_one_spelling() -> None:
    for raw in (b"/v1%2fmessages", b"/v1/%6dessages"):
        assert (await Door().ask("/v1/messages", raw_path=raw)).status == 404
    assert (await Door().ask("/v1/models/sonnet", method="GET", raw_path=b"/v1/models/s%6fnnet")).status == 200


@pytest.mark.parametrize("path", ["/", "/api/hello"])
async def test_claude_code_finds_somebody_there(path: str) -> None:
    assert (await Door().ask(path, method="HEAD", headers=[])).status == 200


def test_both_clients_headers_are_looked_at_however_they_spell_the_scheme() -> None:
    assert presented_keys([(b"x-api-key", b" a "), (b"authorization", b"Bearer  b ")]) == [b"a", b"b"]
    odd = [b"Bearer Bearer k", b"token k", b"bearer k", b"k"]
    assert presented_keys([(b"authorization", value) for value in odd] + [(b"x-api-key", b"Bearer k")]) == [b"k"] * 5


async def test_somebody_elses_credential_beside_the_key_does_no_harm() -> None:
    headers = [(b"authorization", b"Bearer sk-ant-oat01-other"), (b"x-api-key", KEY)]
    assert (await Door().ask(headers=headers)).status == 200


async def test_after_too_many_wrong_keys_a_source_is_told_to_wait_and_the_right_key_still_works() -> None:
    door = Door(failures=2)
    wrong = [(b"x-api-key", b"sk-wrong"), (b"x-gateway-source", b"192.0.2.1")]
    assert [(await door.ask(headers=wrong)).status for _ in range(3)] == [401, 401, 429]
    assert 1 <= int(door.headers[b"retry-after"]) <= 60
    assert (await door.ask(headers=[*AUTHORIZED, (b"x-gateway-source", b"192.0.2.1")])).status == 200
    assert (await door.ask(headers=[(b"x-api-key", b"sk-wrong"), (b"x-gateway-source", b"192.0.2.2")])).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-gateway-source", b"192.0.2.1")],
        [(b"x-gateway-source", b"127.0.0.1"), (b"x-api-key", b"sk-wrong")],
    ],
    ids=["no key at all", "the checks of the stack's security, from inside"],
)
async def test_who_guesses_no_key_from_outside_is_not_told_to_wait(headers: list[tuple[bytes, bytes]]) -> None:
    door = Door(failures=2)
    assert [(await door.ask(headers=headers)).status for _ in range(5)] == [401] * 5
    wrong = [headers[0], (b"x-api-key", b"sk-wrong")]
    expected = [401] * 3 if headers[0][1] == b"127.0.0.1" else [401, 401, 429]
    assert [(await door.ask(headers=wrong)).status for _ in range(3)] == expected


@pytest.mark.parametrize(
    ("path", "draining", "status"),
    [("/health/readiness", False, 200), ("/health/readiness", True, 503), ("/health/liveliness", True, 200)],
)
async def test_health_needs_no_key_and_says_when_it_drains(path: str, draining: bool, status: int) -> None:
    assert (await Door(draining=draining).ask(path, method="GET", headers=[])).status == status


async def test_answers_while_draining_close_their_connection() -> None:
    assert (await Door(draining=True).ask()).headers[b"connection"] == b"close"
    assert b"connection" not in (await Door().ask()).headers


async def test_the_gateway_is_told_which_generation_of_the_key_was_used() -> None:
    assert (await Door().ask()).headers[b"x-key-generation"] == b"now"
    assert b"x-key-generation" not in (await Door().ask(headers=[(b"x-api-key", b"wrong")])).headers


async def test_websockets_are_refused() -> None:
    assert (await Door().ask(kind="websocket")).sent == [{"type": "websocket.close", "code": 1008}]


async def test_an_admitted_request_is_asked_by_the_upstreams_name() -> None:
    door = await Door().ask()
    assert door.calls[0].body == {**ASKED, "model": "claude-sonnet-5-5"}
    assert (door.headers[b"request-id"], door.body) == (b"req_upstream", b'{"id": 1}')


async def test_the_version_of_the_api_that_a_client_speaks_is_asked_for() -> None:
    assert (await Door().ask(headers=[*AUTHORIZED, (b"anthropic-version", b"2026-10-21")])).calls[
        0
    ].version == "2026-10-21"
    assert (await Door().ask()).calls[0].version is None


async def test_the_gateways_request_id_is_in_every_answer() -> None:
    given = [*AUTHORIZED, (b"x-request-id", b"0123456789abcdef")]
    assert (await Door().ask(headers=given)).headers[b"x-request-id"] == b"0123456789abcdef"
    made = (await Door().ask(headers=[*AUTHORIZED, (b"x-request-id", b"a\nb")])).headers[b"x-request-id"]
    assert made.startswith(b"req_")


async def test_errors_have_the_dialect_of_their_route() -> None:
    async def failing(_call: Call) -> Reply:
        raise Failure(529, "Claude is overloaded.", headers={"retry-after": "5"})

    anthropic = await Door(failing).ask()
    said = json.loads(anthropic.body)
    assert said["type"] == "error"
    assert said["error"] == {"type": "overloaded_error", "message": "Claude is overloaded."}
    assert said["request_id"].encode() == anthropic.headers[b"x-request-id"]
    for path in ("/v1/messages/", "/v1/messages/batches"):
        assert json.loads((await Door().ask(path)).body)["type"] == "error"
    openai = await Door(failing).ask(CHAT)
    assert openai.error == {
        "message": "Claude is overloaded.",
        "type": "server_error",
        "param": None,
        "code": "overloaded",
    }
    assert (openai.status, openai.headers[b"retry-after"]) == (529, b"5")


async def test_a_stream_that_breaks_ends_with_an_error_event() -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"data: 1\n\nevent: content_block_delta\ndata: {"
        raise Failure(502, "The answer from Claude broke off.")

    async def answer(_call: Call) -> Reply:
        return Reply(breaking())

    door = await Door(answer).ask(body={**ASKED, "stream": True})
    assert door.status == 200
    assert b'\ndata: {\n\nevent: error\ndata: {"type"' in door.body, "what was cut is no part of it"
    assert json.loads(door.body.split(b"data: ")[3])["error"]["type"] == "api_error"


async def test_a_fault_of_ours_shows_nothing_of_python(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_call: Call) -> Reply:
        raise KeyError("inside")

    door = await Door(broken).ask()
    assert door.status == 500
    assert b"inside" not in door.body
    assert "KeyError" in caplog.text


async def test_models_are_listed_in_the_dialect_of_who_asks() -> None:
    openai = json.loads((await Door().ask("/v1/models", method="GET")).body)
    assert openai["object"] == "list"
    assert {"sonnet", "claude-sonnet-5-5"} <= {model["id"] for model in openai["data"]}
    headers = [*AUTHORIZED, (b"anthropic-version", b"2023-06-01")]
    anthropic = json.loads((await Door().ask("/v1/models", method="GET", headers=headers)).body)
    assert (anthropic["has_more"], anthropic["data"][0]["type"]) == (False, "model")
    assert json.loads((await Door().ask("/v1/models/sonnet", method="GET")).body)["id"] == "sonnet"
    assert (await Door().ask("/v1/models/nope", method="GET")).status == 404


async def test_a_streamed_answer_is_closed_when_it_has_ended() -> None:
    closed: list[bool] = []

    async def close() -> None:
        closed.append(True)

    async def answer(_call: Call) -> Reply:
        return Reply(pieces(b"a", b"b"), close=close)

    assert (await Door(answer).ask(body={**ASKED, "stream": True})).body == b"ab"
    assert closed == [True]
