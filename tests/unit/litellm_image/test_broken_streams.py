"""A stream that ends with an error is no complete answer, on whichever route, and whoever wrote the error."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.litellm_image.contract_cases import SMALL
from tests.unit.litellm_image.door import Door

from claude_gateway.api.anthropic_routes import answer_anthropic
from claude_gateway.api.contract import Route
from claude_gateway.api.openai_routes import OpenAIRoutes
from claude_gateway.errors import Failure
from claude_gateway.start.warm_up import EVENTS
from claude_gateway.upstream.base import Answer, Ask
from claude_gateway.upstream.error_events import raised
from claude_gateway.upstream.usage import Metered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from claude_gateway.api.call import Call, Reply

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own
ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
ROUTES = (Route.MESSAGES, Route.CHAT, Route.COMPLETIONS, Route.RESPONSES)


class Breaking:
    """An upstream whose answers break off: in Anthropic's words, or because the connection ends; or not at all."""

    def __init__(self, how: str) -> None:
        self._how = how

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def ask(self, _ask: Ask) -> Answer:
        async def content() -> AsyncIterator[bytes]:
            for event in [*EVENTS[:3], ERROR] if self._how == "error" else EVENTS[:3] if self._how == "cut" else EVENTS:
                yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
            if self._how == "cut":
                raise Failure(502, "It broke off.")

        return Answer(raised(content(), {}))


async def end_of(route: Route, how: str, caplog: pytest.LogCaptureFixture) -> str:
    upstream = Metered(Breaking(how))
    openai = OpenAIRoutes(upstream)

    async def answer(call: Call) -> Reply:
        return await (answer_anthropic(upstream, call) if route is Route.MESSAGES else openai.answer(call))

    asked: dict[str, Any] = {**SMALL[route], "model": "sonnet", "stream": True}
    with caplog.at_level(logging.INFO, "usage"):
        door = await Door(answer).ask(route, asked)
    assert door.status == 200
    assert (b"error" in door.body) is (how != "whole")
    (line,) = [json.loads(record.getMessage()) for record in caplog.records if record.name == "usage"]
    return str(line["end"])


@pytest.mark.parametrize("how", ["error", "cut"])
@pytest.mark.parametrize("route", ROUTES)
async def test_a_stream_with_an_error_has_broken_off(route: Route, how: str, caplog: pytest.LogCaptureFixture) -> None:
    assert await end_of(route, how, caplog) == "broken-off"


@pytest.mark.parametrize("route", [Route.MESSAGES, Route.CHAT])
async def test_a_whole_stream_is_complete(route: Route, caplog: pytest.LogCaptureFixture) -> None:
    assert await end_of(route, "whole", caplog) == "complete"
