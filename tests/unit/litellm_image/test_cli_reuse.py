"""A process that has served others gives a request what one of its own would give it, and nothing of theirs."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from tests.unit.litellm_image.claude_cli import (
    MODELS,
    SCRIPTS,
    Bed,
    ask,
    marked,
    message,
    numbers,
    pool_of,
    process_of,
    text_of,
    until,
)

from claude_gateway.cli import UpstreamError
from claude_gateway.cli.request import cli_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from testbed.fakes.anthropic_api import Record

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def various(number: int, chance: random.Random) -> dict[str, Any]:
    """A request of any kind, with its number in each part that it has."""
    mark = {"type": "ephemeral"}
    text = {"type": "text", "text": f"SYS-{number}-canary", "cache_control": mark}
    source = {"type": "text", "media_type": "text/plain", "data": f"DOC-{number}-canary"}
    document = {"type": "document", "source": source, "citations": {"enabled": True}}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    call = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": f"CALL-{number}-canary"}}
    result = {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "content": [image, {"type": "text", "text": f"RES-{number}-canary"}],
    }
    asked = {"type": "text", "text": f"MSG-{number}-canary FAKE:{chance.choice(SCRIPTS)}"}
    thought = {"type": "thinking", "thinking": f"THOUGHT-{number}-canary", "signature": "c2ln"}
    history = [{"role": "user", "content": "go"}, {"role": "assistant", "content": [thought, call]}]
    messages = chance.choice(
        [
            [{"role": "user", "content": [asked]}],
            [{"role": "user", "content": [document, asked]}],
            [*history, {"role": "user", "content": [{**result, "is_error": True}, asked]}],
            [*history, {"role": "user", "content": [result, {**asked, "cache_control": mark}]}],
        ]
    )
    tool = {"name": f"TOOL-{number}-canary", "input_schema": {"type": "object"}, "strict": True}
    options: dict[str, Any] = chance.choice(
        [
            {},
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
            {"top_p": 0.5},
            {"temperature": 0.2, "top_k": 4},
            {"stop_sequences": [f"STOP-{number}-canary"]},
            {"output_config": {"format": {"type": "json_schema", "schema": {"title": f"OUT-{number}-canary"}}}},
        ]
    )
    system = chance.choice(
        [None, "The same for many.", f"SYS-{number}-canary\n\tfurther", [text, {"type": "text", "text": "two"}]]
    )
    tools = chance.choice([None, [{**tool, "name": "Bash"}], [tool, {**tool, "name": "Read", "cache_control": mark}]])
    return message(
        messages=messages, max_tokens=100 + number, system=system, tools=tools, model=chance.choice(MODELS), **options
    )


def sent(record: Record) -> tuple[str, dict[str, str]]:
    """What was sent, to the order of keys, but for the ids of session and installation."""
    body = json.loads(record.raw)
    who = json.loads(body["metadata"]["user_id"])
    body["metadata"] = {name: value for name, value in who.items() if name not in ("session_id", "device_id")}
    apart = ("content-length", "x-claude-code-session-id", "x-stainless-timeout")
    return json.dumps(body), {name: value for name, value in record.headers.items() if name not in apart}


async def test_a_reused_process_sends_and_answers_what_a_new_one_does(bed: Bed) -> None:
    """Body, order of keys, headers, attribution and events, for 24 requests of any kind in a row."""
    chance = random.Random(16)
    async with process_of(bed) as reused:
        for number in range(24):
            request = cli_request(various(number, chance))
            bed.fake.records.clear()
            there = await ask(reused, request)
            await reused.wipe()
            async with process_of(bed, request.system, plain=True) as fresh:
                assert await ask(fresh, request) == there
            one, other = bed.calls
            assert sent(one) == sent(other)
            assert numbers(one) <= {number}
            assert not [record for record in bed.fake.records if record not in bed.calls], (
                "nothing but the call is sent"
            )


async def test_each_request_is_a_session_of_its_own_with_the_attribution_of_the_cli(bed: Bed) -> None:
    async with process_of(bed) as process:
        for number in range(30):
            await ask(process, marked(number, "tool" if number % 3 else "echo"))
            await process.wipe()
    assert [numbers(record) for record in bed.calls] == [{number} for number in range(30)]
    assert len({record.headers["x-claude-code-session-id"] for record in bed.calls}) == 30
    assert {record.body["system"][0]["text"][:44] for record in bed.calls} == {
        "x-anthropic-billing-header: cc_version=2.1.3"
    }


async def test_canaries_never_cross_in_concurrent_mixed_requests(bed: Bed) -> None:
    """120 requests of 3 clients at once, one in five abandoned, one in seven failed; then the disk is searched."""
    chance = random.Random(7)
    failed: list[str] = []

    async def one(pool: Any, number: int) -> None:
        fault = {0: "slow:0.005", 1: chance.choice(["400", "429", "529", "cut", "midstream"])}.get(number % 7, "echo")
        async with aclosing(pool.events(marked(number, fault), client=f"client-{number % 3}")) as stream:
            seen = []
            try:
                async for event in stream:
                    seen.append(event)
                    if number % 5 == 0 and len(seen) > 2:
                        return
            except UpstreamError:
                failed.append(fault)
            if fault == "echo":
                assert set(text_of(seen).split()) == {f"{part}-{number}-canary" for part in ("SYS", "TOOL", "MSG")}

    async with pool_of(bed) as pool:
        running = asyncio.Semaphore(8)

        async def bounded(number: int) -> None:
            async with running:
                await one(pool, number)

        await asyncio.gather(*(bounded(number) for number in range(120)))
        assert "echo" not in failed
        assert pool.counts["reused"] > 50, pool.counts
        written = [path for path in bed.config.scratch.rglob("*") if path.is_file() and path.parent.name != "agents"]
        assert [path for path in written if b"-canary" in path.read_bytes()] == [], "only system prompts are on disk"
    by_request = [numbers(record) for record in bed.calls]
    assert all(len(found) == 1 for found in by_request)
    assert sorted(found.pop() for found in by_request) == list(range(120)), "each was asked once"
    assert [path for path in bed.files() if path.startswith("login/")] == []


async def test_a_client_that_leaves_ends_its_upstream_call_within_a_second(bed: Bed) -> None:
    """Before the first byte, in the middle, at the end; the process serves the next."""
    async with pool_of(bed) as pool:
        for number, (script, leave) in enumerate(
            [("hang", 0), ("slow", 3), ("texttool", 5), ("maxtok", 2), ("echo", 99)] * 2
        ):
            async with aclosing(pool.events(marked(number, script))) as stream:
                if leave == 0:
                    first = asyncio.ensure_future(anext(stream))
                    await until(lambda: len(bed.calls) == number + 1)  # noqa: B023 - awaited here
                    first.cancel()
                    await asyncio.gather(first, return_exceptions=True)
                else:
                    async for _ in islice(stream, leave):
                        pass
            await until(lambda: bed.calls[-1].outcome != "open")
            assert bed.calls[-1].outcome == "client-gone" or script not in ("hang", "slow")
        assert [numbers(record) for record in bed.calls] == [{number} for number in range(10)]
        assert pool.counts["started"] == 1


async def islice(stream: AsyncIterator[Any], count: int) -> AsyncIterator[Any]:
    while count and (item := await anext(stream, None)) is not None:
        count -= 1
        yield item
