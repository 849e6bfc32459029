"""The loads of the benchmarks are open: who waits is seen to wait, whatever it is that waits."""

from __future__ import annotations

import asyncio
import time

import httpx

from bench.rotation_load import Load, Target
from testbed import siege
from testbed.siege_load import Target as Besieged

STALL = 0.6


async def test_a_load_that_does_not_get_its_turn_counts_that_as_time_of_its_requests() -> None:
    load = Load(Target("localhost", 1, "sonnet", "", 0, 0), ["sk-key"])

    async def act(_: str) -> tuple[int, bool]:
        if len(load.samples) == 1:
            time.sleep(STALL)  # noqa: ASYNC251 - nothing else of this program has its turn, as on a busy machine
        load.running = len(load.samples) < 10
        return 200, True

    await load.at_rate("kept", act, 0.0, 20)
    waited = [sample.ended - sample.started for sample in load.samples]
    assert len([seconds for seconds in waited if seconds > 0.1]) >= 9, "all that were due meanwhile"
    began = load.samples[0].started
    assert [round((sample.started - began) * 20) for sample in load.samples] == list(range(len(waited)))


async def test_a_stack_that_stalls_keeps_every_request_that_is_due_meanwhile() -> None:
    ends: list[float] = []

    async def stalling(_: httpx.Request) -> httpx.Response:
        ends.append(ends[0] if ends else time.monotonic() + STALL)
        await asyncio.sleep(ends[-1] - time.monotonic())
        return httpx.Response(200)

    seen, besieged = siege.Seen(), siege.Siege(Besieged("", 0, "", "", {}), "")
    async with httpx.AsyncClient(transport=httpx.MockTransport(stalling), base_url="http://localhost") as http:
        await besieged._ask(http, seen, time.monotonic() + 2 * STALL)
    assert len(seen.times) >= 9, "about as many as there would be without a stall"
    assert len([seconds for seconds in seen.times if seconds > 0.1]) >= 4
    assert not seen.wrong
