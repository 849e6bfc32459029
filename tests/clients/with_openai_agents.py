"""OpenAI's Agents SDK, with either of OpenAI's APIs."""

from __future__ import annotations

import json
from typing import Any

import openai
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai.types.shared import Reasoning

from tests.clients import suite
from tests.clients.suite import ANSWER, FOUND, HI, IMAGE, MODEL, Found, Place, scenario

CHAT, RESPONSES = "openai-agents (chat)", "openai-agents (responses)"
set_tracing_disabled(disabled=True)


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return suite.weather(city)


def agent(client: str, place: Place, **options: Any) -> Agent[Any]:
    kind = OpenAIResponsesModel if client == RESPONSES else OpenAIChatCompletionsModel
    model = kind(model=MODEL, openai_client=openai.AsyncOpenAI(**place.openai))
    return Agent(name="agent", model=model, **options)


def add(client: str) -> None:
    @scenario(client, "chat")
    async def chat(place: Place) -> None:
        assert (await Runner.run(agent(client, place), HI)).final_output.strip() == ANSWER

    @scenario(client, "stream")
    async def stream(place: Place) -> None:
        running = Runner.run_streamed(agent(client, place), HI)
        kinds = [event.type async for event in running.stream_events()]
        assert "raw_response_event" in kinds
        assert running.final_output.strip() == ANSWER

    @scenario(client, "tools")
    async def tools(place: Place) -> None:
        made = await Runner.run(agent(client, place, tools=[get_weather]), suite.LOOK_UP_TWICE)
        assert made.final_output.strip() == ANSWER
        place.saw_results("Paris", "Rome")

    @scenario(client, "structured output")
    async def structured_output(place: Place) -> None:
        assert (await Runner.run(agent(client, place, output_type=Found), "FAKE:json")).final_output == FOUND

    @scenario(client, "image")
    async def image(place: Place) -> None:
        parts = [{"type": "input_text", "text": "look"}, {"type": "input_image", "image_url": IMAGE, "detail": "auto"}]
        await Runner.run(agent(client, place), [{"role": "user", "content": parts}])
        assert place.kinds() == ["text", "image"]

    @scenario(client, "thinking with tools")
    async def thinking(place: Place) -> None:
        settings = ModelSettings(reasoning=Reasoning(effort="low"))
        thinker = agent(client, place, tools=[get_weather], model_settings=settings)
        await Runner.run(thinker, suite.THINK_AND_LOOK_UP)
        place.saw_thoughts()
        assert client == CHAT or suite.SIGNATURE in json.dumps(place.sent())
        running = Runner.run_streamed(thinker, suite.THINK_AND_LOOK_UP)
        async for _ in running.stream_events():
            pass
        place.saw_thoughts()
        assert client == CHAT or suite.SIGNATURE in json.dumps(place.sent())

    @scenario(client, "errors")
    async def errors(place: Place) -> None:
        try:
            await Runner.run(agent(client, place), "FAKE:400")
        except openai.BadRequestError:
            return
        raise AssertionError("no error")


for _client in (CHAT, RESPONSES):
    add(_client)
