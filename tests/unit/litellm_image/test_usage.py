"""Who used what: tokens are read as they pass, and one line of JSON says so."""

from __future__ import annotations

import asyncio
import json
import logging
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.unit.litellm_image.door import ASKED, Door, pieces

from claude_gateway.api.call import Call, Reply
from claude_gateway.api.usage_line import UsageLine, list_prices
from claude_gateway.errors import Failure
from claude_gateway.log_setup import RedactingFormatter
from claude_gateway.upstream.base import Answer, Ask, Endpoint, Usage
from claude_gateway.upstream.claude_cli import ClaudeCli
from claude_gateway.upstream.usage import Metered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

COUNTED = {"input_tokens": 11, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 5, "output_tokens": 1}
STREAM = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","usage":'
    + json.dumps(COUNTED).encode()
    + b'}}\n\nevent: content_block_delta\ndata: {"delta":{"text":"\\"usage\\": {\\"input_tokens\\": 999}"}}\n\n'
    + b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":42}}\n\n'
    + b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)


class Fixed:
    """An upstream that answers with these pieces."""

    def __init__(self, *content: bytes) -> None:
        self._content = content

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def ask(self, _ask: Ask) -> Answer:
        return Answer(pieces(*self._content))


async def asked(*content: bytes, stream: bool = True, endpoint: Endpoint = Endpoint.MESSAGES) -> tuple[bytes, Usage]:
    async def test() -> tuple[bytes, Usage]:
        ask = Ask(endpoint, {"stream": stream}, (), "alice")
        answer = await Metered(Fixed(*content)).ask(ask)
        return b"".join([piece async for piece in answer.content]), ask.usage

    result: tuple[bytes, Usage] = await test()
    return result


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
async def test_a_stream_passes_unchanged_and_its_tokens_are_noted_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    given_pieces = [STREAM[a:b] for a, b in pairwise(edges)]
    content, usage = await asked(*given_pieces)
    assert (content, usage) == (STREAM, Usage(11, 42, 7, 5))
    assert usage.first_token is not None


@pytest.mark.parametrize("ended", [True, False])
async def test_what_was_read_before_leaving_counts_by_its_length(ended: bool) -> None:
    """The last event alone says how much was written: whoever leaves before it would have used next to nothing."""
    begin, _, end = (f"{part}\n\n".encode() for part in STREAM.decode().split("\n\n")[:3])
    piece = b"event: content_block_delta\ndata: %s\n\n"
    kinds = [{"text": "word "}, {"thinking": "hm, "}, {"partial_json": '{"a"'}, {"signature": "x" * 500}, {"text": 5}]
    deltas = [piece % json.dumps({"type": "content_block_delta", "index": 0, "delta": kind}).encode() for kind in kinds]
    odd = [piece % b"{content_block_delta", piece % b'["content_block_delta"]', piece % b'{"delta": "text"}']
    _, usage = await asked(begin, *deltas * 100, *odd, *([end] if ended else []))
    assert usage.output == (42 if ended else 1300 // 4)
    assert (usage.input, usage.cache_write) == (11, 5)


async def test_a_whole_answer_is_noted_too_and_a_count_of_tokens_uses_none() -> None:
    body = json.dumps({"id": "m", "usage": COUNTED}).encode()
    content, usage = await asked(body[:20], body[20:], stream=False)
    assert (content, usage) == (body, Usage(11, 1, 7, 5))
    assert usage.first_token is None
    assert (await asked(b'{"input_tokens": 9}', stream=False, endpoint=Endpoint.COUNT_TOKENS))[1] == Usage()


@pytest.mark.parametrize("kind", ["compaction", "advisor_message"])
@pytest.mark.parametrize("told", [{}, {"input_tokens": 11, "cache_read_input_tokens": None}])
async def test_what_is_billed_beside_an_answers_own_tokens_counts_too(kind: str, told: dict[str, Any]) -> None:
    """A summary of the conversation, an adviser: Anthropic's package says that the sum is without them."""
    steps = [{"type": "message", **COUNTED}, {"type": kind, **COUNTED, "input_tokens": 5000, "output_tokens": 700}]
    end = {"type": "message_delta", "usage": {**told, "output_tokens": 42, "iterations": steps}}
    begin = STREAM.partition(b"\n\n")[0] + b"\n\n"
    _, usage = await asked(begin, *[b"data: %s\n\n" % json.dumps(end).encode()] * 2)
    assert usage == Usage(5011, 742, 14, 10)
    whole = {"id": "m", "usage": {**COUNTED, "output_tokens": 42, "iterations": steps}}
    assert (await asked(json.dumps(whole).encode(), stream=False))[1] == usage


@pytest.mark.parametrize("odd", [None, 3, ["x"], [{"type": "compaction", "input_tokens": "many"}]])
async def test_odd_iterations_change_nothing(odd: Any) -> None:
    body = {"id": "m", "usage": {**COUNTED, "iterations": odd}}
    assert (await asked(json.dumps(body).encode(), stream=False))[1] == Usage(11, 1, 7, 5)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"usage": 3}', b'{"usage": {"input_tokens": "many"}}'])
async def test_an_odd_answer_passes_and_counts_nothing(body: bytes) -> None:
    assert await asked(body, stream=False) == (body, Usage())


async def test_who_leaves_before_a_whole_answer_of_the_cli_has_used_what_it_read_and_wrote() -> None:
    ask, written = Ask(Endpoint.MESSAGES, {"model": "sonnet"}, (), "alice"), asyncio.Event()

    async def events(*_given: Any, **_named: Any) -> AsyncIterator[dict[str, Any]]:
        yield {"type": "message_start", "message": {"id": "m", "usage": COUNTED}}
        yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        for _ in range(10):
            yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word"}}
        written.set()
        await asyncio.Event().wait()

    answer = await Metered(ClaudeCli(Mock(events=events), with_token=False)).ask(ask)
    reading = asyncio.ensure_future(anext(aiter(answer.content)))
    await written.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await answer.close()
    assert ask.usage == Usage(11, 10, 7, 5)
    assert ask.usage.first_token is None


async def test_an_endless_line_is_not_kept() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 10_000

    class Endless(Fixed):
        async def ask(self, _ask: Ask) -> Answer:
            return Answer(endless())

    answer = await Metered(Endless()).ask(Ask(Endpoint.MESSAGES, {"stream": True}, (), "alice"))
    assert len(b"".join([piece async for piece in answer.content])) == 500_000


async def line_of(door: Door, caplog: pytest.LogCaptureFixture, **asked: Any) -> dict[str, Any]:
    caplog.clear()
    with caplog.at_level(logging.INFO):
        await door.ask(**asked)
    (record,) = [record for record in caplog.records if record.name == "usage"]
    line: dict[str, Any] = json.loads(RedactingFormatter([SecretStr("sk-the-key")]).format(record))
    return line


async def test_each_request_is_a_line_with_client_tokens_and_price(caplog: pytest.LogCaptureFixture) -> None:
    async def answer(call: Call) -> Reply:
        call.usage.input, call.usage.output, call.usage.cache_read, call.usage.cache_write = 10, 20, 30, 40
        return Reply(pieces(b"{}"), {"request-id": "req_theirs"})

    door = Door(answer)
    line = await line_of(door, caplog)
    read, written, cached, cache_written = list_prices("claude-sonnet-5-5")
    assert (line["client"], line["generation"], line["model"], line["status"]) == ("master", "now", "sonnet", 200)
    assert (line["route"], line["end"]) == ("POST /v1/messages", "complete")
    assert line["request_id"].encode() == door.headers[b"x-request-id"]
    assert line["upstream_request_id"] == "req_theirs"
    assert [line[f"{kind}_tokens"] for kind in ("input", "output", "cache_read", "cache_write")] == [10, 20, 30, 40]
    assert line["list_price_usd"] == pytest.approx(10 * read + 20 * written + 30 * cached + 40 * cache_written)
    assert 0 < cached < read < cache_written < written


@pytest.mark.parametrize(
    ("asked", "status", "end"),
    [
        ({"headers": []}, 401, "refused"),
        ({"body": {**ASKED, "model": "gpt\n{}"}}, 404, "refused"),
        ({"path": "/v1/\n\x1b[31mforged"}, 404, "refused"),
        ({"body": b"{"}, 400, "refused"),
    ],
)
async def test_what_is_refused_is_a_line_without_a_model_and_nothing_that_was_sent_can_forge_one(
    asked: dict[str, Any], status: int, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    line = await line_of(Door(), caplog, **asked)
    assert (line["status"], line["end"], line["model"], line["list_price_usd"]) == (status, end, "", 0)
    (record,) = [record for record in caplog.records if record.name == "usage"]
    assert record.getMessage().isprintable()


async def test_a_stream_that_broke_is_said_to_have(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"event: x\ndata: {}\n\n"
        raise Failure(502, "broke")

    async def answer(_call: Call) -> Reply:
        return Reply(broken())

    line = await line_of(Door(answer), caplog, body={**ASKED, "stream": True})
    assert (line["status"], line["end"]) == (200, "broken-off")


async def test_the_first_token_is_a_time_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """A stream begins long before: with its head, a sign of life, or what is told of the message."""

    async def thoughtful(ask: Ask) -> AsyncIterator[bytes]:
        answer = await Metered(Fixed(STREAM[: STREAM.index(b"event: content")], STREAM)).ask(ask)
        async for piece in answer.content:
            yield piece
            await asyncio.sleep(0.05)

    async def answer(call: Call) -> Reply:
        return Reply(thoughtful(Ask(Endpoint.MESSAGES, {"stream": True}, (), "alice", usage=call.usage)))

    line = await line_of(Door(answer), caplog, body={**ASKED, "stream": True})
    assert line["ms_first_byte"] + 40 < line["ms_first_token"] <= line["ms_total"]
    assert (await line_of(Door(), caplog, body={**ASKED}))["ms_first_token"] == 0


async def test_a_health_check_is_no_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await Door().ask("/health/readiness", method="GET", headers=[])
    assert [record for record in caplog.records if record.name == "usage"] == []


def test_a_model_without_a_known_price_costs_nothing() -> None:
    assert list_prices("claude-of-nobody") == (0, 0, 0, 0)
    UsageLine(model="x").write("claude-of-nobody")
