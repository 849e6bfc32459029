"""What one request leaves for the next, and one source for another: nothing of an answer, and room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from claude_gateway.api import failed_keys
from claude_gateway.api.failed_keys import FailedKeys
from claude_gateway.cli.process import CliProcess, UnfitError

if TYPE_CHECKING:
    from claude_gateway.cli.channel import Channel


class Frames:
    """A CLI that says what it was told to say."""

    def __init__(self, *frames: dict[str, Any]) -> None:
        self.frames = list(frames)

    async def send(self, _line: Any) -> None:
        """It does not listen."""

    async def receive(self) -> dict[str, Any] | None:
        return self.frames.pop(0) if self.frames else None


def event(session: str) -> dict[str, Any]:
    return {"type": "stream_event", "session_id": session, "event": {"type": "ping"}}


@pytest.mark.parametrize(("late", "expected"), [("two", "an event of two"), ("one", "an event of the request before")])
async def test_what_is_late_of_one_answer_is_no_part_of_the_next(late: str, expected: str) -> None:
    interrupted = {"type": "control_response", "response": {"request_id": "request-1", "subtype": "success"}}

    async def test() -> str:
        process = CliProcess(cast("Channel", Frames(event("one"), interrupted, event(late))))
        assert await anext(process._frames()) == event("one")
        await process._interrupt()
        try:
            return f"an event of {(await anext(process._frames()))['session_id']}"
        except UnfitError as unfit:
            return str(unfit)

    assert await test() == expected


async def test_no_more_sources_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_keys, "SOURCES", 2)

    keys = FailedKeys(2, clock=lambda: 0.0)
    for source in ("a", "b", "a", "c"):
        assert await keys.note(source) == 0
    assert list(keys._counts) == ["a", "c"], "b was silent for longest"
    assert await keys.note("a") == 60, "after two failures"
