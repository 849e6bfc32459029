"""Which CLI process may serve on after a request, and which may not."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.litellm_image.claude_cli import (
    SCRIPTS,
    Bed,
    ask,
    ask_pool,
    marked,
    message,
    pool_of,
    process_of,
)

from claude_gateway.cli import UpstreamError
from claude_gateway.cli.answer import whole
from claude_gateway.cli.process import CliProcess, UnfitError
from claude_gateway.cli.request import cli_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def test_every_ending_is_one_upstream_call_and_leaves_the_process_fit(bed: Bed) -> None:
    async with process_of(bed) as process:
        for script in SCRIPTS:
            await ask(process, message(f"FAKE:{script}", tools=[{"name": "Bash", "input_schema": {"type": "object"}}]))
            await process.wipe()
            assert process.usable
        assert len(bed.calls) == len(SCRIPTS)


async def test_the_cli_asks_once_even_when_nobody_stops_it(bed: Bed) -> None:
    """The budget guard: after a tool call, a cut answer or a refusal it would go on by itself."""
    async with process_of(bed) as process:
        for script in ("maxtok", "window", "refusal", "tool", "midstream", "echo"):
            before = len(bed.calls)
            await process.hand_over(cli_request(message(f"FAKE:{script}")))
            async with asyncio.timeout(20):
                while (await process._next())["type"] != "result":
                    pass
            assert len(bed.calls) == before + 1, script
            await process.wipe()


async def test_a_system_prompt_that_was_not_read_in_is_an_error_and_never_the_one_before(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with process_of(bed) as process:
        await ask(process, marked(0))
        await process.wipe()
        control = CliProcess._control

        async def lossy(self: CliProcess, asked: dict[str, Any]) -> dict[str, Any]:
            return {} if asked["subtype"] == "reload_plugins" else await control(self, asked)

        monkeypatch.setattr(CliProcess, "_control", lossy)
        with pytest.raises(UnfitError, match="not found"):
            await ask(process, marked(1))
        assert len(bed.calls) == 1


async def test_what_is_not_wiped_takes_no_other_request(bed: Bed) -> None:
    async with process_of(bed) as process:
        request = cli_request(marked(0))
        assert process.suits(request)
        await ask(process, request)
        assert not process.suits(request)


async def test_other_betas_for_a_model_need_another_process(bed: Bed) -> None:
    """The CLI computes its beta header once for each model."""
    async with pool_of(bed) as pool:
        for betas in (["files-api-2025-04-14"], [], ["files-api-2025-04-14"], ["context-1m-2025-08-07"]):
            await ask_pool(pool, message(), betas=betas)
            got = bed.calls[-1].headers["anthropic-beta"].split(",")
            assert [beta for beta in got if beta.startswith(("files", "context-1m"))] == betas
        assert pool.counts["started"] == 3


async def test_a_beta_that_was_refused_is_sent_again_for_the_next(bed: Bed) -> None:
    """A process drops a refused beta for good, so it serves nobody after a 400."""
    async with pool_of(bed) as pool:
        with pytest.raises(UpstreamError, match="anthropic-beta"):
            await ask_pool(pool, message("FAKE:400beta"), betas=["fine-1"])
        await ask_pool(pool, message(), betas=["fine-1"])
        assert all("fine-1" in record.headers["anthropic-beta"] for record in bed.calls)


@pytest.mark.parametrize(
    ("script", "again"), [("429", True), ("500", True), ("529", True), ("400", False), ("401", False), ("403", False)]
)
async def test_only_a_busy_upstream_leaves_a_process_fit(bed: Bed, script: str, again: bool) -> None:
    async with process_of(bed) as process:
        with pytest.raises(UpstreamError):
            await ask(process, message(f"FAKE:{script}"))
        if again:
            await process.wipe()
        else:
            with pytest.raises(UnfitError):
                await process.wipe()


async def test_a_process_without_room_for_a_system_prompt_gives_way_to_another(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder is in memory, of which a limit's worth may be full: that was a 500."""

    def full(_path: Path, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with process_of(bed) as process:
        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(UnfitError, match="No space left"):
            await ask(process, marked(0))
    assert bed.calls == []


async def test_a_call_that_is_nested_too_deeply_to_be_read_is_told() -> None:
    """Not cut off, so that no empty arguments may stand for it; json gives up some thousand deep."""
    deep = "[" * 100_000 + "]" * 100_000

    async def stream() -> AsyncIterator[dict[str, Any]]:
        yield {"type": "message_start", "message": {"usage": {}}}
        yield {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "input": {}}}
        delta = {"type": "input_json_delta", "partial_json": deep}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
        yield {"type": "content_block_stop", "index": 0}

    with pytest.raises(UpstreamError, match="nested too deeply") as refused:
        await whole(stream())
    assert refused.value.status == 502


async def test_who_leaves_while_its_system_prompt_is_read_costs_the_next_one_nothing(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of the prompt before is gone by then."""
    async with process_of(bed) as process:
        await ask(process, marked(0))
        await process.wipe()
        with monkeypatch.context() as patch:
            control = CliProcess._control

            async def left(self: CliProcess, asked: dict[str, Any]) -> dict[str, Any]:
                reply = await control(self, asked)
                if asked["subtype"] == "reload_plugins":
                    raise asyncio.CancelledError
                return reply

            patch.setattr(CliProcess, "_control", left)
            with pytest.raises(asyncio.CancelledError):
                await ask(process, marked(1))
        await process.wipe()
        await ask(process, marked(0))
        assert len(bed.calls) == 2
