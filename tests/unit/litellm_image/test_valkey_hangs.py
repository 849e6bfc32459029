"""A Valkey that neither answers nor refuses holds up nobody but who looks for it."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest
from tests.unit.litellm_image.test_shared_counts import THREE, Replicas, hits
from valkey.asyncio.connection import Connection

from claude_gateway.api import shared_counts
from claude_gateway.api.shared_counts import SharedCounts


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
    counts = Replicas.at(both.server, "valkey")
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


async def test_who_asks_while_valkey_is_found_elsewhere_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica that has just begun looks its Valkey up while its first requests are already asking there."""
    both = Replicas()
    counts = Replicas.at(both.server, "valkey")
    addresses = iter(("192.0.2.1", "192.0.2.2"))
    monkeypatch.setattr(socket, "gethostbyname", lambda _: next(addresses))
    asking, go_on, send = asyncio.Event(), asyncio.Event(), Connection.send_packed_command

    async def held_up(connection: Connection, command: Any, **options: Any) -> None:
        if not go_on.is_set() and b"EVALSHA" in b"".join(command):
            asking.set()
            await go_on.wait()
        await send(connection, command, **options)

    monkeypatch.setattr(Connection, "send_packed_command", held_up)
    first = asyncio.create_task(counts.hit(THREE, "alice", "requests"))
    async with asyncio.timeout(10):
        await asking.wait()
        await counts._locate()
        await counts._locate()
    go_on.set()
    assert await first
    assert counts.shared
    assert await hits(counts, 3) == [True, True, False], "what was asked at the former address counts"


async def test_who_leaves_while_its_place_is_taken_does_not_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Replicas()
    taken, take = asyncio.Event(), SharedCounts._taken

    async def slowly(self: SharedCounts, who: str, places: int, lease: str) -> bool:
        await take(self, who, places, lease)
        taken.set()
        return bool(await asyncio.Event().wait())

    async def ask() -> None:
        async with both.first.place("alice", 1):
            pass

    with monkeypatch.context() as patch:
        patch.setattr(SharedCounts, "_taken", slowly)
        leaver = asyncio.create_task(ask())
        await taken.wait()
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
    async with both.second.place("alice", 1) as free:
        assert free
