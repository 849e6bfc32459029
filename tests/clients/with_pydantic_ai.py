"""Pydantic AI with each of its three models of the two APIs."""

from __future__ import annotations

import base64
import json
from typing import Any

from pydantic_ai import Agent, BinaryContent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel, AnthropicModelSettings
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel, OpenAIResponsesModelSettings
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

from tests.clients import suite
from tests.clients.suite import ANSWER, FOUND, HI, MODEL, PDF, PIXEL, Found, Place, scenario

CHAT, RESPONSES, ANTHROPIC = "pydantic-ai (chat)", "pydantic-ai (responses)", "pydantic-ai (anthropic)"
THINKING: dict[str, Any] = {
    CHAT: {"openai_reasoning_effort": "low"},
    RESPONSES: OpenAIResponsesModelSettings(openai_reasoning_effort="low", openai_reasoning_summary="auto"),
    ANTHROPIC: AnthropicModelSettings(anthropic_thinking={"type": "adaptive"}),
}


def get_weather(city: str) -> str:
    """The weather of a city."""
    return suite.weather(city)


def agent(client: str, place: Place, **options: Any) -> Agent[None, Any]:
    if client == ANTHROPIC:
        by_anthropic = AnthropicProvider(api_key=place.key, base_url=place.url)
        return Agent(AnthropicModel(MODEL, provider=by_anthropic), **options)
    provider = OpenAIProvider(base_url=f"{place.url}/v1", api_key=place.key)
    if client == RESPONSES:
        signed = OpenAIModelProfile(openai_supports_encrypted_reasoning_content=True)  # its default for OpenAI's names
        return Agent(OpenAIResponsesModel(MODEL, provider=provider, profile=signed), **options)
    return Agent(OpenAIChatModel(MODEL, provider=provider), **options)


def add(client: str) -> None:  # noqa: C901 - one function for each scenario
    @scenario(client, "chat")
    async def chat(place: Place) -> None:
        answer = await agent(client, place).run(HI)
        assert answer.output.strip() == ANSWER

    @scenario(client, "stream")
    async def stream(place: Place) -> None:
        async with agent(client, place).run_stream(HI) as answer:
            assert (await answer.get_output()).strip() == ANSWER

    @scenario(client, "tools")
    async def tools(place: Place) -> None:
        answer = await agent(client, place, tools=[get_weather]).run(suite.LOOK_UP_TWICE)
        assert answer.output.strip() == ANSWER
        place.saw_results("Paris", "Rome")

    @scenario(client, "structured output")
    async def structured_output(place: Place) -> None:
        by_tool = agent(client, place, output_type=ToolOutput(Found, name="found"))
        assert (await by_tool.run('FAKE:agent found {"answer": 42, "city": "Paris"}')).output == FOUND
        for kind in (NativeOutput, PromptedOutput):
            assert (await agent(client, place, output_type=kind(Found)).run("FAKE:json")).output == FOUND

    @scenario(client, "image")
    async def image(place: Place) -> None:
        await agent(client, place).run(["look", BinaryContent(base64.b64decode(PIXEL), media_type="image/png")])
        assert place.kinds() == ["text", "image"]

    @scenario(client, "PDF")
    async def pdf(place: Place) -> None:
        await agent(client, place).run(["read", BinaryContent(base64.b64decode(PDF), media_type="application/pdf")])
        assert place.kinds() == ["text", "document"]

    @scenario(client, "thinking with tools")
    async def thinking(place: Place) -> None:
        settings = ModelSettings(**THINKING[client])
        await agent(client, place, tools=[get_weather], model_settings=settings).run(suite.THINK_AND_LOOK_UP)
        place.saw_thoughts()
        assert client == CHAT or suite.SIGNATURE in json.dumps(place.sent())

    @scenario(client, "errors")
    async def errors(place: Place) -> None:
        status = 200
        try:
            await agent(client, place).run("FAKE:400")
        except ModelHTTPError as error:
            status = error.status_code
        assert status == 400


for _client in (CHAT, RESPONSES, ANTHROPIC):
    add(_client)
