"""Streams that are silent for long."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from openai.types.responses import ResponseErrorEvent
from tests.unit.litellm_image.door import ASKED, Door

from claude_gateway.api import heartbeat
from claude_gateway.api.call import Call, Reply
from claude_gateway.dialect import Dialect
from claude_gateway.errors import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STREAMED = {**ASKED, "stream": True}
ANTHROPIC, OPENAI = b'event: ping\ndata: {"type": "ping"}\n\n', b": ping\n\n"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "SILENT_SECONDS", 0.1)


@pytest.mark.parametrize(("path", "ping"), [("/v1/messages", ANTHROPIC), ("/v1/chat/completions", OPENAI)])
async def test_a_stream_lives_before_its_first_word_and_between_two(path: str, ping: bytes) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await asyncio.sleep(0.25)
        yield b"data: 2\n\n"

    async def answer(_call: Call) -> Reply:
        await asyncio.sleep(0.25)
        return Reply(slow())

    body = (
        await Door(answer).ask(
            path,
            body={key: STREAMED[key] for key in ("model", "messages", "stream")}
            | ({"max_tokens": 5} if "messages" in path else {}),
        )
    ).body
    before, _, rest = body.partition(b"data: 1\n\n")
    assert before.startswith(ping)
    assert ping in rest.partition(b"data: 2\n\n")[0]


async def test_a_ping_never_splits_an_event() -> None:
    async def halves() -> AsyncIterator[bytes]:
        yield b"data: hal"
        await asyncio.sleep(0.25)
        yield b"ves\n\n"

    async def answer(_call: Call) -> Reply:
        return Reply(halves())

    assert b"data: halves\n\n" in (await Door(answer).ask(body=STREAMED)).body


async def test_a_reader_that_pauses_gets_no_ping_until_it_reads() -> None:
    sent: list[bytes] = []
    reads = asyncio.Event()

    async def begin() -> None:
        pass

    async def send(piece: bytes) -> None:
        sent.append(piece)
        if piece != ANTHROPIC:
            await reads.wait()

    beat = heartbeat.Heartbeat(Dialect.ANTHROPIC, begin, send)
    async with beat.beating():
        sending = asyncio.create_task(beat.sent(b"data: 1\n\n"))
        await asyncio.sleep(0.35)
        assert sent == [b"data: 1\n\n"]
        reads.set()
        await sending
        while ANTHROPIC not in sent:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("pieces", [(b"data: 1\n", b"\n"), (b"data: 1\n\n", b""), (b"data: 1\r\n\r", b"\n")])
async def test_a_ping_follows_an_event_whose_end_came_in_two_pieces(pieces: tuple[bytes, ...]) -> None:
    silence = asyncio.Event()

    async def cut() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        await silence.wait()

    async def answer(_call: Call) -> Reply:
        return Reply(cut())

    door = Door(answer)
    asking = asyncio.create_task(door.ask(body=STREAMED))
    async with asyncio.timeout(20):
        while b"".join(pieces) + ANTHROPIC not in door.body:
            await asyncio.sleep(0.01)
    silence.set()
    await asking


async def test_a_failure_after_a_ping_is_an_event() -> None:
    async def answer(_call: Call) -> Reply:
        await asyncio.sleep(0.15)
        raise Failure(529, "Claude is overloaded.")

    door = await Door(answer).ask(body=STREAMED)
    assert door.status == 200
    assert json.loads(door.body.split(b"data: ")[-1])["error"]["type"] == "overloaded_error"


async def test_a_failure_after_a_ping_is_an_event_of_the_responses_api_there() -> None:
    """Its readers go by the type of each event."""

    async def answer(_call: Call) -> Reply:
        await asyncio.sleep(0.15)
        raise Failure(529, "Claude is overloaded.")

    door = await Door(answer).ask("/v1/responses", body={"model": "sonnet", "input": "hi", "stream": True})
    *_, name, data = door.body.decode().split("\n\n")[-2].splitlines()
    event = ResponseErrorEvent.model_validate_json(data.removeprefix("data: "))
    assert (name, event.type, event.message) == ("event: error", "error", "Claude is overloaded.")
    assert json.loads(data.removeprefix("data: "))["error"]["code"] == "overloaded"


async def test_a_whole_answer_gets_no_ping() -> None:
    async def answer(_call: Call) -> Reply:
        await asyncio.sleep(0.25)
        raise Failure(529, "Claude is overloaded.")

    assert (await Door(answer).ask()).status == 529
