"""What is done when an answer is complete: the server calls its client gone from then on (ASGI, "Disconnect")."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.litellm_image.door import ASKED, Door, pieces
from tests.unit.litellm_image.test_clients import alice, sent

from claude_gateway.api.call import Call, Reply
from claude_gateway.api.counts import OwnCounts
from claude_gateway.log_setup import USAGE_LOGGER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from limits import RateLimitItem
    from starlette.types import Message


class Elsewhere(OwnCounts):
    """Counts that are asked for over a network."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = self.given_back = 0

    async def hit(self, limit: RateLimitItem, who: str, kind: str, cost: int = 1) -> bool:
        await asyncio.sleep(0.01)
        self.tokens += cost if kind == "tokens" else 0
        return await super().hit(limit, who, kind, cost)

    @asynccontextmanager
    async def place(self, who: str, places: int) -> AsyncIterator[bool]:
        async with super().place(who, places) as free:
            try:
                yield free
            finally:
                await asyncio.sleep(0.01)
                self.given_back += 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("limits", [{"tokens_per_minute": 100}, {"max_parallel": 1}])
async def test_a_complete_answer_is_counted_to_the_end(
    limits: dict[str, Any], stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(call: Call) -> Reply:
        call.usage.output = 42
        return Reply(pieces(b'{"id": 1}'))

    async def test() -> Elsewhere:
        counts = Elsewhere()
        door = Door(answer, clients=[alice(**limits)], counts=counts)
        body: Message = {"type": "http.request", "body": json.dumps({**ASKED, "stream": stream}).encode()}
        pending, complete = [body], asyncio.Event()

        async def receive() -> Message:
            if pending:
                return pending.pop()
            await complete.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body"):
                complete.set()

        scope: dict[str, Any] = {"type": "http", "path": "/v1/messages", "raw_path": b"/v1/messages", "method": "POST"}
        await door.door({**scope, "headers": sent(), "client": ("10.0.0.1", 1)}, receive, send)
        return counts

    with caplog.at_level(logging.INFO, USAGE_LOGGER):
        counts = await test()
    assert counts.tokens == (42 if "tokens_per_minute" in limits else 0)
    assert counts.given_back == ("max_parallel" in limits)
    (line,) = [json.loads(record.getMessage()) for record in caplog.records if record.name == USAGE_LOGGER]
    assert line["end"] == "complete"
