"""Who waits for a CLI process, for how long, and what happens when somebody leaves."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.unit.litellm_image.claude_cli import until
from tests.unit.litellm_image.pool_house import House

from claude_gateway.cli import UpstreamError
from claude_gateway.cli.pool import PATIENCE_SECONDS, QUEUE_PER_PROCESS


async def test_who_waits_is_served_in_order() -> None:
    house = House(limit=1)
    first = await house.get()
    served: list[int] = []

    async def one(number: int) -> None:
        process = await house.get()
        served.append(number)
        house.pool.give_back(process)

    tasks = [asyncio.create_task(one(number)) for number in range(3)]
    await until(lambda: house.pool.waiting == 3)
    house.pool.give_back(first)
    await asyncio.gather(*tasks)
    assert served == [0, 1, 2]


async def test_a_wait_that_is_too_long_is_a_429_with_retry_after() -> None:
    house = House(limit=1, queue_seconds=1)
    await house.get()
    started = time.monotonic()
    with pytest.raises(UpstreamError) as caught:
        await house.get()
    assert time.monotonic() - started >= 0.9
    assert caught.value.status == 429
    assert (caught.value.retry_after or 0) >= 1
    assert house.pool.waiting == 0


async def test_a_full_queue_is_a_429_at_once() -> None:
    house = House(limit=1)
    await house.get()
    waiting = [house.ask() for _ in range(QUEUE_PER_PROCESS)]
    await until(lambda: house.pool.waiting == QUEUE_PER_PROCESS)
    with pytest.raises(UpstreamError, match="busy"):
        await house.get()
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert house.pool.waiting == 0


async def test_no_queue_when_told_so_but_idle_processes_of_others_still_make_room() -> None:
    house = House(limit=1, queue_seconds=0)
    mine = await house.get("a")
    with pytest.raises(UpstreamError):
        await house.get("a")
    house.pool.give_back(mine)
    await until(lambda: house.pool.idle == 1)
    assert await house.get("b") is not mine


async def test_a_waiter_that_leaves_gives_its_turn_to_the_next() -> None:
    house = House(limit=1)
    first = await house.get()
    leaver, stayer = house.ask(), house.ask()
    await until(lambda: house.pool.waiting == 2)
    house.pool.give_back(first)
    leaver.cancel()
    assert await stayer is first
    assert house.pool.live == 1


async def test_a_client_that_leaves_while_its_process_boots_leaves_none_behind() -> None:
    house = House(limit=1)
    house.boots.clear()
    leaver = house.ask()
    await until(lambda: len(house.made) == 1)
    leaver.cancel()
    await until(lambda: house.pool.live == 0)
    assert house.made[0].closed


async def test_a_client_that_fills_the_queue_keeps_no_other_one_out() -> None:
    house = House(limit=1)
    process = await house.get("greedy")
    greedy = [house.ask("greedy") for _ in range(QUEUE_PER_PROCESS)]
    await until(lambda: house.pool.waiting == QUEUE_PER_PROCESS)
    modest = house.ask("modest")
    with pytest.raises(UpstreamError, match="busy"):
        await greedy[-1]
    assert house.pool.waiting == QUEUE_PER_PROCESS
    with pytest.raises(UpstreamError, match="busy"):
        await house.get("greedy")
    assert house.pool.counts["refused"] == 2
    assert not modest.done()
    for task in greedy:
        task.cancel()
    house.pool.give_back(process)
    assert await modest is not process


async def test_clients_that_wait_take_turns() -> None:
    """Whoever has one request waits for one of each other client's, not for all that came before it."""
    house = House(limit=1)
    process = await house.get("greedy")
    served: list[str] = []

    async def one(owner: str) -> None:
        process = await house.get(owner)
        served.append(owner)
        house.pool.give_back(process)

    tasks = [asyncio.create_task(one("greedy")) for _ in range(3)]
    await until(lambda: house.pool.waiting == 3)
    tasks.append(asyncio.create_task(one("modest")))
    await until(lambda: house.pool.waiting == 4)
    for waiting in house.pool._queue:
        waiting.since -= PATIENCE_SECONDS + 1
    house.pool.give_back(process)
    await asyncio.gather(*tasks)
    assert served.index("modest") <= 1


async def test_whoever_asks_again_and_again_overtakes_nobody_for_ever() -> None:
    house = House(limit=1)
    process = await house.get("one by one")
    many = [house.ask("many") for _ in range(2)]
    await until(lambda: house.pool.waiting == 2)
    served = 0
    while not all(task.done() for task in many):
        again = house.ask("one by one")
        await asyncio.sleep(0)
        house.pool._queue.first.since -= PATIENCE_SECONDS + 1
        house.pool.give_back(process)
        done, _ = await asyncio.wait({again, *(one for one in many if not one.done())}, return_when="FIRST_COMPLETED")
        process = done.pop().result()
        if not again.done():
            again.cancel()
        served += 1
        assert served <= 6
