"""LangChain with both of its packages, and with OpenAI's two APIs."""

from __future__ import annotations

import json
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from tests.clients import suite
from tests.clients.suite import ANSWER, FOUND, HI, IMAGE, MODEL, PDF, PIXEL, Found, Place, scenario
from tests.clients.with_openai import refuses

CHAT, RESPONSES, ANTHROPIC = "langchain-openai (chat)", "langchain-openai (responses)", "langchain-anthropic"


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return suite.weather(city)


def model(client: str, place: Place, **options: Any) -> Any:
    if client == ANTHROPIC:
        return ChatAnthropic(model=MODEL, max_tokens=4096, **place.anthropic, **options)
    if client == RESPONSES:
        return ChatOpenAI(model=MODEL, use_responses_api=True, output_version="responses/v1", **place.openai, **options)
    return ChatOpenAI(model=MODEL, **place.openai, **options)


THINKING: dict[str, dict[str, Any]] = {
    CHAT: {"reasoning_effort": "low"},
    RESPONSES: {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]},
    ANTHROPIC: {"thinking": {"type": "adaptive"}},
}


def text_of(message: Any) -> str:
    return str(message.text if isinstance(message.text, str) else message.text()).strip()


def conversation(chain: Any, prompt: str, *, streamed: bool = False) -> Any:
    messages: list[Any] = [HumanMessage(prompt)]
    while True:
        if streamed:
            pieces = list(chain.stream(messages))
            answer = pieces[0]
            for piece in pieces[1:]:
                answer += piece
        else:
            answer = chain.invoke(messages)
        if not answer.tool_calls:
            return answer
        messages.append(answer)
        calls = answer.tool_calls
        messages += [ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in calls]


def add(client: str) -> None:  # noqa: C901 - one function for each scenario
    @scenario(client, "chat")
    def chat(place: Place) -> None:
        answer = model(client, place).invoke(HI)
        assert text_of(answer) == ANSWER
        assert answer.usage_metadata["output_tokens"] == 5

    @scenario(client, "stream")
    def stream(place: Place) -> None:
        assert "".join(text_of(piece) + " " for piece in model(client, place).stream(HI)).split() == ANSWER.split()

    @scenario(client, "tools")
    def tools(place: Place) -> None:
        for streamed in (False, True):
            answer = conversation(
                model(client, place).bind_tools([get_weather]), suite.LOOK_UP_TWICE, streamed=streamed
            )
            assert text_of(answer) == ANSWER
            place.saw_results("Paris", "Rome")

    @scenario(client, "parallel tools")
    def parallel_tools(place: Place) -> None:
        answer = model(client, place).bind_tools([get_weather]).invoke("FAKE:paralleltools")
        assert [call["name"] for call in answer.tool_calls] == ["get_weather", "get_weather", "get_time"]

    @scenario(client, "structured output")
    def structured_output(place: Place) -> None:
        assert model(client, place).with_structured_output(Found, method="json_schema").invoke("FAKE:json") == FOUND
        by_tool = model(client, place).with_structured_output(Found, method="function_calling")
        assert by_tool.invoke('FAKE:agent Found {"answer": 42, "city": "Paris"}') == FOUND

    @scenario(client, "image")
    def image(place: Place) -> None:
        part = {"type": "image_url", "image_url": {"url": IMAGE}}
        model(client, place).invoke([HumanMessage([{"type": "text", "text": "look"}, part])])
        assert place.kinds() == ["text", "image"]
        block = {"type": "image", "base64": PIXEL, "mime_type": "image/png"}
        model(client, place).invoke([HumanMessage([{"type": "text", "text": "look"}, block])])
        assert place.kinds() == ["text", "image"]

    @scenario(client, "PDF")
    def pdf(place: Place) -> None:
        block = {"type": "file", "base64": PDF, "mime_type": "application/pdf", "filename": "a.pdf"}
        model(client, place).invoke([HumanMessage([block, {"type": "text", "text": "read"}])])
        assert place.kinds() == ["document", "text"]

    @scenario(client, "thinking with tools")
    def thinking(place: Place) -> None:
        for streamed in (False, True):
            chain = model(client, place, **THINKING[client]).bind_tools([get_weather])
            conversation(chain, suite.THINK_AND_LOOK_UP, streamed=streamed)
            place.saw_thoughts()
            assert client == CHAT or suite.SIGNATURE in json.dumps(place.sent())

    @scenario(client, "errors")
    def errors(place: Place) -> None:
        for script in ("429", "400"):
            refuses(Exception, lambda script=script: model(client, place).invoke(f"FAKE:{script}"))
            assert len(place.records()) == 1
            place.forget()

    @scenario(client, "cancel")
    def cancel(place: Place) -> None:
        events = model(client, place).stream("FAKE:slow:0.3")
        for piece in events:
            if text_of(piece):
                break
        events.close()
        place.ended()


for _client in (CHAT, RESPONSES, ANTHROPIC):
    add(_client)
