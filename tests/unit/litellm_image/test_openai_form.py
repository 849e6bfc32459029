"""Answers read by clients that have a type for each field: what OpenAI always sends is there, and no number is null."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import ModelInfo
from pydantic import BaseModel, ConfigDict
from tests.unit.litellm_image.openai_lab import MODELS, answer

from claude_gateway.api.contract import Route
from claude_gateway.api.model_list import model_answer
from claude_gateway.dialect import Dialect

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own
SAID = {Route.CHAT: "messages", Route.COMPLETIONS: "prompt"}


class Strict(BaseModel):
    """As in C#, Swift or Kotlin: no field without `= ...` may be missing, and none without `None` may be null."""

    model_config = ConfigDict(strict=True)


class PromptTokens(Strict):
    cached_tokens: int
    audio_tokens: int


class CompletionTokens(Strict):
    reasoning_tokens: int
    audio_tokens: int
    accepted_prediction_tokens: int
    rejected_prediction_tokens: int


class Usage(Strict):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokens
    completion_tokens_details: CompletionTokens


class Message(Strict):
    role: str
    content: str | None
    refusal: str | None
    tool_calls: list[dict[str, Any]] = []


async def asked(route: Route, script: str, **more: Any) -> Any:
    said = [{"role": "user", "content": script}] if route is Route.CHAT else script
    return await answer(route, **{SAID[route]: said}, **more)


def numbers(usage: Any) -> list[Any]:
    """Every number, however deep."""
    return [one for value in usage.values() for one in (numbers(value) if isinstance(value, dict) else [value])]


@pytest.mark.parametrize("route", list(SAID))
@pytest.mark.parametrize("streamed", [False, True])
async def test_each_kind_of_token_is_a_number(route: Route, *, streamed: bool) -> None:
    more = {"stream": True, "stream_options": {"include_usage": True}} if streamed else {}
    made = await asked(route, "FAKE:thinking", **more)
    said = made[-1]["usage"] if streamed else made["usage"]
    usage = Usage.model_validate(said)
    assert (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens) == (12, 3)
    assert usage.completion_tokens_details.audio_tokens == 0
    assert None not in numbers(said)


@pytest.mark.parametrize(("script", "calls"), [("hi", 0), ("FAKE:texttool", 1), ("FAKE:thinking", 0)])
async def test_a_message_has_what_openais_has_and_no_null_in_place_of_a_list(script: str, calls: int) -> None:
    choice = (await asked(Route.CHAT, script))["choices"][0]
    message = Message.model_validate(choice["message"])
    assert (message.refusal, len(message.tool_calls)) == (None, calls)
    assert "function_call" not in choice["message"]
    assert choice["logprobs"] is None


@pytest.mark.parametrize("route", list(SAID))
async def test_each_piece_says_whether_it_is_the_last(route: Route) -> None:
    pieces = [choice for part in await asked(route, "hi", stream=True) for choice in part["choices"]]
    assert [piece["finish_reason"] for piece in pieces] == [None] * (len(pieces) - 1) + ["stop"]


def test_a_model_has_all_that_anthropics_sdk_has_a_type_for() -> None:
    for model in model_answer(MODELS, Dialect.ANTHROPIC, None)["data"]:
        assert ModelInfo.model_validate(model).lifecycle == "active"
