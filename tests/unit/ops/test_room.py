"""What fits into a machine."""

import pytest

from ops import room
from rules.container import memory_fault


def test_a_number_with_too_many_digits_is_no_reason_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(memory_mib: int, processes: int, body_bytes: int) -> str | None:
        asked.append(processes)
        assert len(asked) < 1000
        return memory_fault(memory_mib, processes, body_bytes)

    monkeypatch.setattr(room, "memory_fault", counted)
    told = {"claudeMaxConcurrency": 3, "litellmMemoryMib": 2620}
    assert room.settings(2620, room.Work(processes=4_000_000_000)) == told
