"""Clients that leave, and applications that end otherwise than planned."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.unit.litellm_image.door import Call, run

from claude_gateway.request_scope import current_request

if TYPE_CHECKING:
    from claude_gateway.asgi_types import Message, Receive, Scope, Send


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
