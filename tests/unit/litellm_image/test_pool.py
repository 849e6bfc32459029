"""How many processes exist, who waits, and for how long."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import pytest
from tests.unit.litellm_image.processes import Factory, SlowFactory, pool_of, run, until

from claude_gateway.claude.errors import ClaudeError
from claude_gateway.claude.pool import QUEUE_PER_PROCESS

if TYPE_CHECKING:
    from pathlib import Path


def test_warm_processes_are_there_before_a_request_and_are_replaced_after_it() -> None:
    async def test() -> None:
        pool = pool_of(Factory(), warm=2, limit=4)
        pool.start()
        await until(lambda: pool.idle == 2)
        process = await pool.acquire()
        assert pool.counts["warm"] == 1
        pool.refill("claude-opus-4-5")
        await until(lambda: pool.idle == 2)
        pool.release(process)
        await until(lambda: pool.live == 2)
        await pool.close()

    run(test)


def test_the_limit_holds_whatever_happens() -> None:
    async def test() -> None:
        factory = Factory()
        pool = pool_of(factory, warm=2, limit=3, queue_seconds=10)

        async def one(number: int) -> None:
            process = await pool.acquire()
            await asyncio.sleep(0.002 * (number % 3))
            pool.release(process)

        tasks = [asyncio.create_task(one(number)) for number in range(15)]
        tasks[3].cancel()
        tasks[7].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await until(lambda: pool.live == 2)
        await pool.close()
        assert factory.most <= 3
        assert pool.live == 0
        assert all(made.closed for made in factory.made)

    run(test)


def test_who_waits_is_served_in_order() -> None:
    async def test() -> None:
        pool = pool_of(Factory(), limit=1, queue_seconds=10)
        first = await pool.acquire()
        served: list[int] = []

        async def one(number: int) -> None:
            process = await pool.acquire()
            served.append(number)
            pool.release(process)

        tasks = [asyncio.create_task(one(number)) for number in range(3)]
        await until(lambda: pool.waiting == 3)
        pool.release(first)
        await asyncio.gather(*tasks)
        assert served == [0, 1, 2]

    run(test)


def test_a_wait_that_is_too_long_is_a_429_with_retry_after() -> None:
    async def test() -> None:
        pool = pool_of(Factory(), limit=1, queue_seconds=0.2)
        await pool.acquire()
        started = time.monotonic()
        with pytest.raises(ClaudeError) as caught:
            await pool.acquire()
        assert 0.15 < time.monotonic() - started < 2
        assert caught.value.status == 429
        assert (caught.value.retry_after or 0) >= 1
        assert pool.waiting == 0

    run(test)


def test_a_full_queue_is_a_429_at_once() -> None:
    async def test() -> None:
        pool = pool_of(Factory(), limit=1, queue_seconds=5)
        await pool.acquire()
        waiting = [asyncio.create_task(pool.acquire()) for _ in range(QUEUE_PER_PROCESS)]
        await until(lambda: pool.waiting == QUEUE_PER_PROCESS)
        started = time.monotonic()
        with pytest.raises(ClaudeError) as caught:
            await pool.acquire()
        assert caught.value.status == 429
        assert time.monotonic() - started < 0.2
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert pool.waiting == 0

    run(test)


def test_no_queue_when_told_so() -> None:
    async def test() -> None:
        pool = pool_of(Factory(), limit=1, queue_seconds=0)
        await pool.acquire()
        with pytest.raises(ClaudeError):
            await pool.acquire()

    run(test)


def test_a_waiter_that_leaves_gives_its_turn_to_the_next() -> None:
    async def test() -> None:
        pool = pool_of(Factory(), limit=1, queue_seconds=5)
        first = await pool.acquire()
        leaver = asyncio.create_task(pool.acquire())
        stayer = asyncio.create_task(pool.acquire())
        await until(lambda: pool.waiting == 2)
        pool.release(first)
        leaver.cancel()
        process = await stayer
        assert process.transport.running
        assert pool.live == 1

    run(test)


def test_a_start_that_fails_frees_its_place() -> None:
    async def test() -> None:
        pool = pool_of(Factory(fail=1), limit=1)
        with pytest.raises(OSError, match="no more"):
            await pool.acquire()
        assert pool.live == 0
        assert (await pool.acquire()).transport.running

    run(test)


def test_a_warm_start_that_fails_is_tried_again() -> None:
    async def test() -> None:
        pool = pool_of(Factory(fail=1), warm=1)
        pool.start()
        await until(lambda: pool.idle == 1)
        await pool.close()

    run(test)


@pytest.mark.parametrize("reason", ["dead", "old", "older than the login"])
def test_an_idle_process_that_is_no_longer_good_is_not_handed_out(reason: str, tmp_path: Path) -> None:
    async def test() -> None:
        login = tmp_path / ".credentials.json"
        login.write_text("{}")
        os.utime(login, (0, 0))
        pool = pool_of(Factory(), warm=1, limit=3, credentials=login)
        pool.start()
        await until(lambda: pool.idle == 1)
        bad = pool._idle[0]
        if reason == "dead":
            bad.transport.kill()
        elif reason == "old":
            bad.started_at -= 100_000
        else:
            bad.started_at -= 5
            os.utime(login)
        process = await pool.acquire()
        assert process is not bad
        assert pool.counts["discarded"] == 1
        await pool.close()

    run(test)


def test_a_request_waits_for_a_process_that_is_booting_rather_than_start_another() -> None:
    async def test() -> None:
        factory = SlowFactory()
        pool = pool_of(factory, warm=1, limit=4, queue_seconds=5)
        pool.start()
        await until(lambda: len(factory.made) == 1)
        assert pool.idle == 0
        first = asyncio.create_task(pool.acquire())
        await until(lambda: pool.waiting == 1)
        second = await pool.acquire()  # nothing boots for this one
        assert pool.counts["cold"] == 1
        factory.made[0].booted.set()
        assert (await first).transport is factory.made[0]
        pool.release(second)
        await pool.close()

    run(test)


def test_a_process_that_dies_while_it_boots_is_no_idle_one_and_its_request_gets_another() -> None:
    async def test() -> None:
        factory = SlowFactory()
        pool = pool_of(factory, warm=1, limit=1, queue_seconds=5)
        pool.start()
        await until(lambda: len(factory.made) == 1)
        waiting = asyncio.create_task(pool.acquire())
        await until(lambda: pool.waiting == 1)
        factory.made[0].boots = False
        factory.made[0].booted.set()
        process = await waiting
        assert process.transport is factory.made[1]
        assert pool.counts["prepared"] == 0
        assert factory.most == 1
        pool.release(process)
        await pool.close()

    run(test)
