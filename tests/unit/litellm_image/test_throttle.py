"""A start gives way while the machine is busy, and only then."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from claude_gateway.start import throttle
from claude_gateway.start.throttle import SLICE, StartThrottle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """How long was slept; no test goes on with the timer."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    yield slept
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, signal.SIG_IGN)


def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, busy: int, idle: int) -> None:
    """From one look to the next, the processors are busy and idle for so many ticks."""
    statistics = tmp_path / "stat"
    looks = iter(range(1, 1_000_000))

    def times() -> tuple[int, int]:
        number = next(looks)
        statistics.write_text(f"cpu  {busy * number} 0 0 {idle * number} 0 0 0 0 0 0\ncpu0 1 1 1 1\n")
        return real()

    real = throttle._times
    monkeypatch.setattr(throttle, "STATISTICS", statistics)
    monkeypatch.setattr(throttle, "_times", times)


def work(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


@pytest.mark.parametrize(("busy", "idle", "gives_way"), [(10, 0, True), (8, 2, True), (5, 5, False), (0, 10, False)])
def test_it_pauses_between_slices_of_work_while_the_machine_is_busy(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, busy: int, idle: int, gives_way: bool
) -> None:
    machine(monkeypatch, tmp_path, busy=busy, idle=idle)
    StartThrottle().start()
    work(10 * SLICE)
    assert bool(pauses) is gives_way
    assert set(pauses) <= {SLICE}


def test_it_ends(pauses: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine(monkeypatch, tmp_path, busy=10, idle=0)
    started = StartThrottle()
    started.start()
    started.stop()
    work(5 * SLICE)
    signal.raise_signal(signal.SIGPROF)  # a late one does no harm
    assert pauses == []


def test_a_look_within_one_tick_says_nothing(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine(monkeypatch, tmp_path, busy=0, idle=0)
    StartThrottle().start()
    work(5 * SLICE)
    assert pauses == []


def test_the_kernels_own_numbers_are_understood() -> None:
    total, idle = throttle._times()
    assert 0 < idle < total
