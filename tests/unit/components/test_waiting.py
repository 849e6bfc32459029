"""Waiting: asked at once, at the end, and in between often enough."""

import pytest

from rules.waiting import POLL_SECONDS, until


@pytest.mark.parametrize(
    ("comes_after", "seconds", "came", "waited"),
    [(0, 5, True, 0), (0, 0, True, 0), (1.5, 5, True, 1.5), (2, 2, True, 2), (2.5, 2, False, 2), (9, 0, False, 0)],
)
def test_what_comes_in_time_is_waited_for_no_longer(
    monkeypatch: pytest.MonkeyPatch, comes_after: float, seconds: float, came: bool, waited: float
) -> None:
    now = [100.0]

    def sleep(pause: float) -> None:
        now[0] += pause

    monkeypatch.setattr("rules.waiting.time.sleep", sleep)
    monkeypatch.setattr("rules.waiting.time.monotonic", lambda: now[0])
    assert until(lambda: now[0] >= 100 + comes_after, seconds) is came
    assert now[0] == 100 + waited


def test_nobody_waits_for_a_second_for_what_is_there() -> None:
    """Nielsen, "Response Times: The 3 Important Limits": after one second people notice that they wait."""
    assert 0.1 <= POLL_SECONDS < 1
