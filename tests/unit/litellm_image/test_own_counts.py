"""What one replica counts alone: a minute is sixty seconds, whatever the machine's clock says meanwhile."""

from __future__ import annotations

import time

import pytest
from limits import RateLimitItemPerMinute

from claude_gateway.api.counts import OwnCounts

ONE, FIVE = RateLimitItemPerMinute(1), RateLimitItemPerMinute(5)


class Clock:
    """Stands still until it is told."""

    at = 5000.0

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize("jump", [-3600, 0, 3600])
async def test_a_clock_that_is_set_makes_no_minute_longer_or_shorter(
    jump: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, now = Clock(), time.time()
    counts = OwnCounts(clock)
    assert await counts.hit(ONE, "alice", "requests")
    monkeypatch.setattr(time, "time", lambda: now + jump)
    clock.at += 59
    assert not await counts.test(ONE, "alice", "requests")
    assert not await counts.hit(ONE, "alice", "requests")
    assert await counts.window(ONE, "alice", "requests") == (now + jump + 1, 0)
    clock.at += 1
    assert await counts.test(ONE, "alice", "requests")
    assert await counts.hit(ONE, "alice", "requests")


async def test_each_client_and_kind_has_its_own() -> None:
    counts = OwnCounts(Clock())
    assert await counts.hit(ONE, "alice", "requests")
    assert await counts.hit(ONE, "bob", "requests")
    assert await counts.hit(FIVE, "alice", "tokens", cost=4)
    assert (await counts.window(FIVE, "alice", "tokens"))[1] == 1
    assert not await counts.hit(FIVE, "alice", "tokens", cost=40), "what goes over the limit counts, too"
    assert (await counts.window(FIVE, "alice", "tokens"))[1] == 0
    assert not await counts.test(ONE, "alice", "requests")


async def test_who_asks_no_more_is_forgotten() -> None:
    clock = Clock()
    counts = OwnCounts(clock)
    for number in range(1000):
        await counts.hit(FIVE, f"10.0.{number // 250}.{number % 250}", "failed-keys")
        clock.at += 1
    assert len(counts._minutes) <= 60
