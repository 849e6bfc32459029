"""Clients that leave."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.unit.litellm_image.door import ASKED, Door

from claude_gateway.api.call import Call, Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def test_a_client_that_leaves_before_its_answer_ends_the_work() -> None:
    ended: list[str] = []

    async def answer(_call: Call) -> Reply:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")
        raise AssertionError

    door = Door(answer)
    task = asyncio.create_task(door.ask())
    await asyncio.sleep(0.05)
    door.leave.set()
    await task
    assert door.sent == []
    assert ended == ["cancelled"]


async def test_a_client_that_leaves_a_stream_closes_what_is_behind_it() -> None:
    ended: list[str] = []

    async def endless() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.sleep(60)
        finally:
            ended.append("content")

    async def close() -> None:
        ended.append("closed")

    async def answer(_call: Call) -> Reply:
        return Reply(endless(), close=close)

    door = Door(answer)
    task = asyncio.create_task(door.ask(body={**ASKED, "stream": True}))
    await asyncio.sleep(0.05)
    assert door.body == b"first"
    door.leave.set()
    await task
    assert ended == ["content", "closed"]


async def test_a_cancelled_server_cancels_the_work() -> None:
    cancelled: list[bool] = []

    async def answer(_call: Call) -> Reply:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.append(True)
        raise AssertionError

    task = asyncio.create_task(Door(answer).ask())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert cancelled == [True]
