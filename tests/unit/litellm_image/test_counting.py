"""Counting tokens with a Claude login: it is done here, and is nobody else's wait."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import TYPE_CHECKING, Any, cast
from weakref import ref

from claude_gateway.upstream import claude_cli
from claude_gateway.upstream.base import Ask, Endpoint
from claude_gateway.upstream.claude_cli import ClaudeCli

if TYPE_CHECKING:
    import pytest


class Body(dict[str, Any]):
    """A request's body that a test can look for."""


async def test_many_counts_hold_up_nothing_else_and_who_leaves_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def slow(_body: Any) -> int:
        go_on.wait(10)
        return 7

    monkeypatch.setattr(claude_cli, "estimate_tokens", slow)

    async def test() -> None:
        cli = ClaudeCli(cast("Any", None), with_token=False)
        bodies = [Body(number=number) for number in range(100)]
        asked = [asyncio.create_task(cli.ask(Ask(Endpoint.COUNT_TOKENS, body, (), "somebody"))) for body in bodies]
        known = [ref(body) for body in bodies]
        bodies.clear()
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await asyncio.to_thread(lambda: None)
        *left, stays = asked
        for task in left:
            task.cancel()
        await asyncio.wait(left)
        asked.clear()
        left.clear()
        del task
        await asyncio.sleep(0)
        gc.collect()
        assert sum(body() is not None for body in known) <= claude_cli.COUNTS_AT_A_TIME + 1
        go_on.set()
        answer = await stays
        assert [piece async for piece in answer.content] == [b'{"input_tokens": 7}']

    try:
        await test()
    finally:
        go_on.set()
