"""What one request costs grows with its size, not with the square of it: all clients share one thread."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.unit.litellm_image.contract_cases import MODELS, USER

from claude_gateway.api.anthropic_events import lines
from claude_gateway.api.contract import Rejection, Route, admit
from claude_gateway.api.contract.json_body import parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SECONDS = 5
"""Of CPU: several times what it takes, and a fraction of what the square of the size takes."""


@contextmanager
def quick() -> Iterator[None]:
    started = time.thread_time()
    yield
    assert time.thread_time() - started < SECONDS


def test_a_key_that_is_there_twice_among_many() -> None:
    members = b",".join(b'"key%d":1' % number for number in range(90_000))
    with quick(), pytest.raises(Rejection, match='has the key "key89999" more than once'):
        parse(b"{" + members + b',"key89999":2}')


def test_a_thought_in_many_pieces() -> None:
    pieces = [{"type": "thinking", "thinking": "x" * 300}] * 30_000
    turns = [USER, {"role": "assistant", "content": "so", "thinking_blocks": pieces}, USER]
    with quick():
        made = admit(Route.CHAT, {"model": "sonnet", "messages": turns}, models=MODELS, drop=False)
    assert [len(block["thinking"]) for block in made["messages"][1]["thinking_blocks"]] == [300 * 30_000]


async def test_an_event_in_many_pieces() -> None:
    async def content() -> AsyncIterator[bytes]:
        for _ in range(200_000):
            yield b"x" * 400
        yield b"\ny\n"

    with quick():
        assert [len(line) async for line in lines(content())] == [200_000 * 400, 1]
