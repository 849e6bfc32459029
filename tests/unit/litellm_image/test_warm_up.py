"""A container that reports ready has answered requests of its own before, and a warm-up that fails harms nothing."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from claude_gateway import warm_up
from claude_gateway.warm_up import PATHS, WarmStart, nothing_more

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from claude_gateway.asgi_types import App, Message, Receive, Scope, Send


class LiteLLM:
    """An application that starts, and answers; what it was asked is kept."""

    def __init__(self, answer: Callable[[Send], Awaitable[None]]) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[bytes, bytes], dict[str, Any]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await send({"type": "lifespan.startup.complete"})
            return
        body = json.loads((await receive())["body"])
        self.asked.append((scope["path"], dict(scope["headers"]), body))
        await self.answer(send)


async def good(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"data", "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def broken(_send: Send) -> None:
    raise RuntimeError("a secret in a message")


async def stuck(_send: Send) -> None:
    await asyncio.sleep(60)


def start(app: App, prepare: Callable[[], Awaitable[None]] = nothing_more) -> list[str]:
    """Starts it, and returns what it reported."""
    reported: list[str] = []

    async def send(message: Message) -> None:
        reported.append(message["type"])

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    warm = WarmStart(app, "sonnet", "sk-warm-up", prepare)
    asyncio.run(asyncio.wait_for(warm({"type": "lifespan"}, receive, send), 10))
    return reported


def test_each_api_is_asked_whole_and_streamed_before_the_start_is_reported() -> None:
    app = LiteLLM(good)
    assert start(app) == ["lifespan.startup.complete"]
    assert [(path, body["stream"]) for path, _, body in app.asked] == [
        (path, stream) for path in PATHS for stream in (False, True)
    ]


def test_the_mock_is_asked_with_the_token_that_may() -> None:
    app = LiteLLM(good)
    start(app)
    for _, headers, body in app.asked:
        assert body["mock_response"]
        assert headers[b"authorization"] == b"Bearer sk-warm-up"


@pytest.mark.parametrize("answer", [broken, stuck])
def test_a_warm_up_that_fails_does_not_stop_the_start(
    answer: Callable[[Send], Awaitable[None]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(warm_up, "SECONDS", 0.1)
    assert start(LiteLLM(answer)) == ["lifespan.startup.complete"]
    assert "the first requests will be slow" in caplog.text
    assert "secret" not in caplog.text


def test_what_the_mock_leaves_out_is_prepared_without_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    async def prepare() -> None:
        logging.getLogger("LiteLLM").error("connection refused")
        done.append("prepared")

    start(LiteLLM(good), prepare)
    assert done == ["prepared"]
    assert "refused" not in caplog.text
    assert logging.getLogger().isEnabledFor(logging.ERROR)


def test_other_requests_pass_untouched() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    async def nothing(*_: Any) -> Any:
        return {}

    scope = {"type": "http", "path": "/v1/models"}
    asyncio.run(WarmStart(app, "sonnet", "sk-warm-up", nothing_more)(scope, nothing, nothing))
    assert seen == [scope]
