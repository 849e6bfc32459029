"""The conversation with the CLI, line by line, through the pinned Agent SDK's transport and a scripted CLI."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import aclosing
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from claude_gateway.claude.conversation import converse
from claude_gateway.claude.ending import Ending
from claude_gateway.claude.errors import ClaudeError
from claude_gateway.claude.pool import Pool
from claude_gateway.claude.process import CliProcess
from claude_gateway.claude.transport import CliTransport
from claude_gateway.claude.turns import ChatRequest, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = ChatRequest(
    model="claude-sonnet-4-5",
    system="be kind",
    history=[Turn("user", [{"type": "text", "text": "a"}]), Turn("assistant", [{"type": "text", "text": "b"}])],
    prompt=[{"type": "text", "text": "c"}],
    environment={"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "9"},
)


class Bench:
    """A pool over the scripted CLI, and what the CLI has noted."""

    def __init__(self, folder: Path) -> None:
        self.log_file = folder / "cli.log"
        self.folder = folder

    def pool(self, script: str, **options: Any) -> Pool:
        env = {"FAKE_CLI_LOG": str(self.log_file), "FAKE_CLI_SCRIPT": script}

        async def spawn() -> CliProcess:
            transport = CliTransport(env, cli_path=str(Path(__file__).with_name("fake_cli.py")), cwd=str(self.folder))
            process = CliProcess(transport)
            await process.start()
            return process

        return Pool(spawn, "claude-sonnet-4-5", **{"warm": 0, "limit": 2, "queue_seconds": 1.0, **options})

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def ask(pool: Pool) -> list[str | Ending]:
    return [piece async for piece in converse(pool, REQUEST, lambda _: None)]


async def failure(pool: Pool) -> ClaudeError:
    with pytest.raises(ClaudeError) as caught:
        await ask(pool)
    await pool.close()
    return caught.value


def run(test: Callable[[], Any]) -> Any:
    return asyncio.run(asyncio.wait_for(test(), 60))


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_the_sdk_is_the_one_whose_wire_was_studied() -> None:
    assert version("claude-agent-sdk") == "0.2.188"


def test_the_wire_sequence(bench: Bench) -> None:
    async def test() -> list[str | Ending]:
        pool = bench.pool("answer")
        pieces = await ask(pool)
        await pool.close()
        return pieces

    pieces = run(test)
    usage = {"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 4}
    assert pieces == ["Hel", "lo", Ending("end_turn", None, usage)]
    first, *frames = [entry["entry"] for entry in bench.entries()]
    assert [frame.get("request", frame.get("message")) for frame in frames[:2]] == [
        {"subtype": "initialize", "hooks": None, "systemPrompt": ["be kind"]},
        {
            "subtype": "apply_flag_settings",
            "settings": {"model": "claude-sonnet-4-5", "env": {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "9"}},
        },
    ]
    user, assistant, last = frames[2:5]
    assert (user["type"], user["shouldQuery"], user["client_composed"]) == ("user", False, True)
    assert (assistant["type"], assistant["message"]["content"]) == ("assistant", [{"type": "text", "text": "b"}])
    assert (last["type"], "shouldQuery" in last, last["client_composed"]) == ("user", False, True)
    assert last["message"]["content"] == [{"type": "text", "text": "c"}]
    assert len(frames) == 5
    for argument in ("--tools", "--strict-mcp-config", "--no-session-persistence", "--disable-slash-commands"):
        assert argument in first["argv"]
    assert first["argv"][first["argv"].index("--tools") + 1] == ""
    assert "--system-prompt" not in first["argv"]
    assert not {"be kind", "claude-sonnet-4-5"} & set(first["argv"]), "nothing of a request is in argv"
    assert {"CLAUDE_CODE_MAX_RETRIES", "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK"} <= set(first["env"])


def test_a_refusal_that_the_budget_cuts_short_is_still_a_refusal(bench: Bench) -> None:
    async def test() -> list[str | Ending]:
        pool = bench.pool("refusal")
        pieces = await ask(pool)
        await pool.close()
        return pieces

    tokens = {"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 0}
    assert run(test) == ["Hel", "lo", Ending("refusal", None, tokens)]


def test_the_process_is_killed_at_the_stop_reason_and_takes_no_second_turn(bench: Bench) -> None:
    async def test() -> None:
        pool = bench.pool("answer")
        await ask(pool)
        await asyncio.sleep(1.5)
        assert pool.live == 0

    run(test)
    assert "second turn" not in [entry["entry"] for entry in bench.entries()]
    assert not alive(bench.entries()[0]["pid"])


def test_one_process_answers_one_request(bench: Bench) -> None:
    async def test() -> None:
        pool = bench.pool("answer", warm=1)
        for _ in range(4):
            await ask(pool)
        await pool.close()

    run(test)
    prompts = [entry["pid"] for entry in bench.entries() if isinstance(entry["entry"], dict)
               and entry["entry"].get("type") == "user" and "shouldQuery" not in entry["entry"]]  # fmt: skip
    assert len(prompts) == len(set(prompts)) == 4


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ("cut", 502, "broke off"),
        ("error", 429, "rate limit"),
        ("crash-at-start", 500, "make logs"),
        ("crash-in-history", 500, "make logs"),
        ("refuse", 500, "make logs"),
    ],
)
def test_a_cli_that_fails_is_an_error_with_a_status(bench: Bench, script: str, status: int, words: str) -> None:
    error = run(lambda: failure(bench.pool(script)))
    assert error.status == status
    assert words in error.message
    assert not any(alive(entry["pid"]) for entry in bench.entries())


def test_a_rate_limit_tells_when_it_ends(bench: Bench) -> None:
    assert 35 <= run(lambda: failure(bench.pool("error"))).retry_after <= 40


def test_a_warm_process_that_died_is_replaced_without_the_client_noticing(bench: Bench) -> None:
    async def test() -> None:
        pool = bench.pool("answer", warm=1)
        pool.start()
        while pool.idle < 1:
            await asyncio.sleep(0.01)
        os.kill(pool._idle[0].transport.pid or 0, 9)
        assert "".join(piece for piece in await ask(pool) if isinstance(piece, str)) == "Hello"
        await pool.close()

    run(test)


@pytest.mark.parametrize("moment", ["hanging", "mid-stream"])
def test_a_cancelled_request_leaves_no_process(bench: Bench, moment: str) -> None:
    async def test() -> None:
        pool = bench.pool("hang" if moment == "hanging" else "answer")
        started = asyncio.Event()

        async def one() -> None:
            async with aclosing(converse(pool, REQUEST, lambda _: started.set())) as pieces:
                async for _ in pieces:
                    await asyncio.sleep(60)

        task = asyncio.create_task(one())
        await started.wait()
        while not bench.log_file.exists() or len(bench.entries()) < 6:  # the CLI has got the whole conversation
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        while pool.live:
            await asyncio.sleep(0.01)

    run(test)
    assert not any(alive(entry["pid"]) for entry in bench.entries())


def test_a_client_that_leaves_kills_the_process_without_waiting_for_the_generator(bench: Bench) -> None:
    async def test() -> None:
        pool = bench.pool("hang")
        ends: list[Callable[[], None]] = []
        task = asyncio.create_task(anext(converse(pool, REQUEST, ends.append)))
        while not ends:
            await asyncio.sleep(0.01)
        ends[0]()
        with pytest.raises(ClaudeError):
            await task
        while pool.live:
            await asyncio.sleep(0.01)

    run(test)
