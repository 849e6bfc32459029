"""How many CLI processes exist, whose requests they serve, who waits, and for how long."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from tests.unit.litellm_image.claude_cli import message, until
from tests.unit.litellm_image.pool_house import REQUEST, House

from claude_gateway.cli import ProcessReuse, UpstreamError, warm
from claude_gateway.cli.pool import LONG_SECONDS, PATIENCE_SECONDS
from claude_gateway.cli.request import cli_request

OTHER_SYSTEM = cli_request(message(system="another"))
UNUSUAL = cli_request(message(system="blanks at the end  "))


async def test_a_process_serves_its_client_again_and_again() -> None:
    house = House()
    assert len({id(await house.serve()) for _ in range(5)}) == 1
    assert house.made[0].wipes == 5
    assert house.pool.counts == {"started": 1, "reused": 4}


async def test_a_process_of_one_client_is_never_given_to_another() -> None:
    house = House(limit=4)
    one = await house.serve("a")
    assert await house.serve("b") is not one
    assert await house.serve("a") is one


async def test_a_request_waits_for_a_process_that_is_being_wiped_rather_than_start_another() -> None:
    house = House()
    first = await house.get()
    house.wipes.clear()
    house.pool.give_back(first)
    next_one, other = house.ask(), house.ask("b")
    assert await other is not first, "another client's wipe is nothing to wait for"
    assert not next_one.done()
    house.wipes.set()
    assert await next_one is first


async def test_the_process_that_knows_the_system_prompt_is_taken_first() -> None:
    house = House(limit=3)
    one, two = await house.get(), await house.get()
    cast("Any", two).system = OTHER_SYSTEM.system
    house.pool.give_back(two)
    house.pool.give_back(one)
    await until(lambda: house.pool.idle == 2)
    assert await house.get("a", OTHER_SYSTEM) is two


async def test_the_longest_idle_process_makes_room_for_a_client_without_one() -> None:
    house = House(limit=2)
    old = await house.serve("a")
    young = await house.serve("b")
    await house.serve("c")
    assert not old.channel.running
    assert young.channel.running
    assert house.most == 2


async def test_a_client_with_its_share_takes_none_from_a_client_that_asks_now_and_then() -> None:
    house = House(limit=2)
    mine, its = await house.get("a"), await house.serve("b")
    its.idle_since += 1000
    second = house.ask("a")
    await asyncio.sleep(0.02)
    assert not second.done()
    assert its.channel.running
    its.idle_since -= 1000 + LONG_SECONDS
    house.pool.give_back(mine)
    assert await second is mine
    await house.get("a")
    assert not its.channel.running, "what was idle for long makes room"


async def test_nobody_waits_for_ever_behind_a_busy_client() -> None:
    house = House(limit=1)
    process = await house.get("a")
    waiting = house.ask("b")
    await until(lambda: house.pool.waiting == 1)
    house.pool._queue.first.since += 1000
    busy = [house.ask("a") for _ in range(3)]
    await until(lambda: house.pool.waiting == 4)
    house.pool.give_back(process)
    assert await busy[0] is process, "at first others may overtake"
    house.pool._queue.first.since -= 1000 + PATIENCE_SECONDS
    house.pool.give_back(process)
    assert await waiting is not process
    for one in busy:
        one.cancel()


async def test_the_limit_holds_whatever_happens() -> None:
    house = House(limit=3, warm=2)
    house.pool.start()

    async def one(number: int) -> None:
        process = await house.get(f"client-{number % 5}", UNUSUAL if number % 4 == 0 else REQUEST)
        try:
            await asyncio.sleep(0.002 * (number % 3))
            if number % 6 == 0:
                process.channel.kill()
        finally:
            house.pool.give_back(process)

    tasks = [asyncio.create_task(one(number)) for number in range(12)]
    await asyncio.sleep(0.003)
    tasks[5].cancel()
    tasks[11].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await until(lambda: house.pool.live == house.pool.idle)
    await house.pool.close()
    assert house.most <= 3
    assert house.pool.live == 0
    assert all(made.closed for made in house.made)


async def test_an_unusual_system_prompt_gets_a_process_of_its_own_that_serves_once() -> None:
    house = House()
    await house.serve()
    own = await house.serve("a", UNUSUAL)
    assert cast("Any", own).system == UNUSUAL.system
    await until(lambda: house.pool.live == 1)
    assert not own.channel.running


async def test_without_reuse_a_process_serves_one_request() -> None:
    house = House(reuse=ProcessReuse.OFF)
    first = await house.serve()
    assert not first.channel.running
    assert await house.serve() is not first


async def test_without_reuse_nothing_is_made_ready_while_something_runs() -> None:
    house = House(reuse=ProcessReuse.OFF, warm=1, limit=2)
    house.pool.start()
    await until(lambda: house.pool.idle == 1)
    process = await house.get()
    house.pool._wanted.set()
    await asyncio.sleep(0.02)
    assert len(house.made) == 1
    house.pool.give_back(process)
    await until(lambda: house.pool.idle == 1)
    await house.pool.close()


async def test_warm_processes_are_there_before_a_request() -> None:
    house = House(warm=2)
    house.pool.start()
    await until(lambda: house.pool.idle == 2)
    await house.get()
    assert house.pool.counts == {"prepared": 2, "reused": 1}
    await house.pool.close()


async def test_a_start_that_fails_is_a_502_and_frees_its_place() -> None:
    house = House(limit=1)
    house.broken = 1
    with pytest.raises(UpstreamError, match="cannot start") as caught:
        await house.get()
    assert caught.value.status == 502
    assert (await house.get()).channel.running


async def test_nobody_waits_for_a_warm_start_that_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "FIRST_BACKOFF_SECONDS", 1000.0)
    house = House(warm=1)
    house.broken = 1
    house.pool.start()
    await until(lambda: len(house.made) == 1 and not house.pool.live)
    assert (await house.get()).channel.running
    await house.pool.close()


async def test_a_warm_start_that_fails_is_tried_again() -> None:
    house = House(warm=1)
    house.broken = 1
    house.pool.start()
    await until(lambda: house.pool.idle == 1)
    await house.pool.close()


async def test_a_request_waits_for_a_process_that_is_booting_rather_than_start_another() -> None:
    house = House(warm=1, limit=4)
    house.boots.clear()
    house.pool.start()
    await until(lambda: len(house.made) == 1)
    first = house.ask()
    await until(lambda: house.pool.waiting == 1)
    house.boots.set()
    assert await first is cast("Any", house.made[0])
    await house.pool.close()


async def test_an_idle_process_that_is_no_longer_good_is_replaced() -> None:
    house = House(warm=1)
    house.pool.start()
    await until(lambda: house.pool.idle == 1)
    house.made[0].usable = False
    house.pool._wanted.set()
    await until(lambda: len(house.made) == 2 and house.pool.idle == 1)
    assert house.pool.counts["discarded"] == 1
    assert house.made[0].closed
    await house.pool.close()
