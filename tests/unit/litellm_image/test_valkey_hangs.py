"""A Valkey that neither answers nor refuses holds up nobody but who looks for it."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
from tests.unit.litellm_image.test_shared_counts import Replicas, hits

from claude_gateway.front import shared_counts
from claude_gateway.front.shared_counts import SharedCounts

pytestmark = pytest.mark.asyncio


async def test_one_request_waits_for_a_valkey_that_hangs_and_the_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Replicas()
    asked = 0

    async def hang() -> bool:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(shared_counts, "PATIENCE_SECONDS", 0.01)
    for _ in range(5):
        assert await both.first._asked(hang, shared_counts._yes)
    assert asked == 1


async def test_a_name_that_nobody_answers_for_takes_no_thread_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's DNS knows no name of a container that is down, and the resolver waits for 20 seconds."""
    answered, asked = threading.Event(), []

    def look_up(name: str) -> str:
        asked.append(name)
        assert answered.wait(30)
        return "127.0.0.1"

    monkeypatch.setattr(shared_counts, "AGAIN_SECONDS", 0.001)
    monkeypatch.setattr(socket, "gethostbyname", look_up)
    both = Replicas()
    counts = SharedCounts(both.client(), "valkey")
    both.server.connected = False
    keeping = asyncio.create_task(counts.keep())
    async with asyncio.timeout(10):
        while not asked:
            await asyncio.sleep(0.001)
        assert await hits(counts, 40) == [True] * 3 + [False] * 37
        assert asked == ["valkey"]
        assert await asyncio.to_thread(str) == "", "the loop's own threads are free"
    both.server.connected = True
    answered.set()
    async with asyncio.timeout(10):
        while not counts.shared:
            await asyncio.sleep(0.01)
    keeping.cancel()
