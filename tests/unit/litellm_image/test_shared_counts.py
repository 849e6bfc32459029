"""Several replicas count together; without Valkey each counts alone, says so, and lets nobody in or out for it."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from fakeredis import FakeAsyncValkey, FakeServer
from limits import RateLimitItemPerMinute
from pydantic import SecretStr
from tests.unit.litellm_image.door import KEY, Door
from tests.unit.litellm_image.test_clients import alice, sent

from claude_gateway.api import shared_counts
from claude_gateway.api.counts import OwnCounts
from claude_gateway.api.shared_counts import SharedCounts
from claude_gateway.start.counting import counts_of

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

THREE = RateLimitItemPerMinute(3)


class Replicas:
    """Two of them at one Valkey; `server.connected = False` loses it."""

    def __init__(self) -> None:
        self.server = FakeServer(server_type="valkey")
        self.first, self.second = (self.at(self.server) for _ in range(2))

    @staticmethod
    def at(server: FakeServer, host: str = "") -> SharedCounts:
        """One more."""
        return SharedCounts(lambda _: FakeAsyncValkey(server=server), host)

    def client(self) -> Valkey:
        return FakeAsyncValkey(server=self.server)


async def hits(counts: SharedCounts | OwnCounts, times: int) -> list[bool]:
    return [await counts.hit(THREE, "alice", "requests") for _ in range(times)]


async def test_what_one_replica_counts_the_other_counts_too() -> None:
    both = Replicas()
    assert await hits(both.first, 2) == [True, True]
    assert await both.second.test(THREE, "alice", "requests")
    assert (await both.second.window(THREE, "alice", "requests"))[1] == 1
    assert await hits(both.second, 2) == [True, False]
    assert not await both.first.test(THREE, "alice", "requests")
    assert await both.first.hit(THREE, "bob", "requests"), "another client has a minute of its own"


async def test_places_are_held_by_all_together_and_given_back() -> None:
    both = Replicas()
    async with both.first.place("alice", 2) as one, both.second.place("alice", 2) as other:
        assert (one, other) == (True, True)
        async with both.first.place("alice", 2) as third, both.second.place("bob", 1) as bobs:
            assert (third, bobs) == (False, True)
    async with both.second.place("alice", 1) as again:
        assert again


async def test_a_place_is_given_back_when_the_request_breaks_off() -> None:
    both = Replicas()
    with pytest.raises(asyncio.CancelledError):
        async with both.first.place("alice", 1):
            raise asyncio.CancelledError
    async with both.second.place("alice", 1) as free:
        assert free


async def test_the_places_of_a_replica_that_died_come_back_and_those_of_one_that_lives_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared_counts, "LEASE_SECONDS", 2)
    both = Replicas()
    async with AsyncExitStack() as requests:
        for counts in (both.first, both.second):
            assert await requests.enter_async_context(counts.place("alice", 2))
        free = False
        async with asyncio.timeout(10):
            while not free:  # the first one renews its lease, and the second one does not: it is dead
                await both.first._renewed()
                async with Replicas.at(both.server).place("alice", 2) as free:
                    await asyncio.sleep(0.05)
        async with Replicas.at(both.server).place("alice", 1) as free:
            assert not free


@pytest.mark.parametrize("lost", ["at once", "while it is used"])
async def test_a_loss_leaves_each_replica_its_own_limit_and_is_said_once(
    lost: str, caplog: pytest.LogCaptureFixture
) -> None:
    both = Replicas()
    if lost == "while it is used":
        assert await hits(both.first, 1) == [True]
    both.server.connected = False
    with caplog.at_level(logging.INFO):
        assert await hits(both.first, 4) == [True, True, True, False], "neither open nor shut"
        assert await hits(both.second, 4) == [True, True, True, False]
        assert not await both.first.test(THREE, "alice", "requests")
        async with both.first.place("alice", 1) as free, both.first.place("alice", 1) as second:
            assert (free, second) == (True, False)
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(said) == 2, "once for each replica"
    assert all("limits hold for each replica alone" in one for one in said)
    assert (both.first.shared, both.second.shared) == (False, False)


async def test_a_valkey_that_comes_back_empty_learns_what_runs(caplog: pytest.LogCaptureFixture) -> None:
    both = Replicas()
    async with both.first.place("alice", 1):
        both.server.connected = False
        assert await hits(both.first, 1) == [True]
        both.server.connected = True
        await both.client().flushall()
        with caplog.at_level(logging.INFO):
            await both.first._look()
        async with both.second.place("alice", 1) as free:
            assert not free
    assert both.first.shared is True
    assert "limits hold for all of them together" in caplog.text


async def test_what_is_given_back_while_valkey_is_lost_is_not_renewed() -> None:
    both = Replicas()
    async with both.first.place("alice", 1):
        both.server.connected = False
        await hits(both.first, 1)
    both.server.connected = True
    await both.client().flushall()
    await both.first._look()
    assert both.first.shared
    async with both.second.place("alice", 1) as free:
        assert free


async def test_what_is_given_back_while_it_is_renewed_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two may cross, each on a connection of its own."""
    both = Replicas()
    async with both.first.place("alice", 1):
        renew, sent, given_back = both.first._store.renew, asyncio.Event(), asyncio.Event()

        async def slow(keys: list[str], arguments: list[str]) -> None:
            sent.set()
            await given_back.wait()
            await renew(keys, arguments)

        monkeypatch.setattr(both.first._store, "renew", slow)
        renewed = asyncio.create_task(both.first._renewed())
        await sent.wait()
    given_back.set()
    await renewed
    async with both.second.place("alice", 1) as free:
        assert free


async def test_a_loss_is_noticed_while_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_counts, "RENEW_SECONDS", 0.01)
    both = Replicas()
    keeping = asyncio.create_task(both.first.keep())
    both.server.connected = False
    async with asyncio.timeout(10):
        while both.first.shared:
            await asyncio.sleep(0.01)
    keeping.cancel()


async def test_wrong_keys_at_all_replicas_count_together() -> None:
    both = Replicas()
    doors = [Door(failures=3, counts=counts) for counts in (both.first, both.second)]
    statuses = []
    for number in range(4):
        await doors[number % 2].ask(headers=sent(b"sk-wrong"))
        statuses.append(doors[number % 2].status)
    assert statuses == [401, 401, 429, 429]
    assert 0 < int(doors[0].headers[b"retry-after"]) <= 60
    await doors[1].ask(headers=sent(KEY))
    assert doors[1].status == 200, "a right key is never refused for what others did"


async def test_a_clients_limit_holds_at_all_doors_together() -> None:
    both = Replicas()
    client = alice(lasts=timedelta(hours=1), requests_per_minute=3)
    doors = [Door(clients=[client], counts=counts) for counts in (both.first, both.second)]
    statuses = []
    for number in range(4):
        await doors[number % 2].ask(headers=sent())
        statuses.append(doors[number % 2].status)
    assert statuses == [200, 200, 200, 429]


async def test_readiness_says_for_whom_limits_hold() -> None:
    both = Replicas()
    for connected, words in ((True, "of all replicas"), (False, "of this replica alone")):
        both.server.connected = connected
        await both.first.test(THREE, "alice", "requests")
        door = await Door(counts=both.first).ask("/health/readiness", method="GET")
        assert json.loads(door.body) == {"status": "ready", "limits": words}
    alone = await Door().ask("/health/readiness", method="GET")
    assert json.loads(alone.body) == {"status": "ready"}


def test_one_container_alone_counts_by_itself() -> None:
    assert isinstance(counts_of("", None), OwnCounts)
    assert isinstance(counts_of("valkey", SecretStr("of the tests")), SharedCounts)


async def test_the_end_of_a_minute_is_a_time() -> None:
    both = Replicas()

    await both.first.hit(THREE, "alice", "requests")
    ends = datetime.fromtimestamp((await both.first.window(THREE, "alice", "requests"))[0], UTC)
    assert timedelta(0) < ends - datetime.now(UTC) <= timedelta(seconds=61)
