"""Anthropic's own client."""

from __future__ import annotations

import json
from typing import Any

import anthropic

from tests.clients import suite
from tests.clients.suite import ANSWER, FOUND, HI, MODEL, PDF, PIXEL, SCHEMA, SIGNATURE, Found, Place, scenario
from tests.clients.with_openai import refuses

CLIENT = "anthropic"
TOOLS: Any = [{"name": "get_weather", "description": "The weather.", "input_schema": SCHEMA}]


def client(place: Place) -> anthropic.Anthropic:
    return anthropic.Anthropic(**place.anthropic)


def asked(*parts: Any) -> dict[str, Any]:
    content = list(parts) if len(parts) > 1 else parts[0]
    return {"model": MODEL, "max_tokens": 4096, "messages": [{"role": "user", "content": content}]}


def ask(place: Place, *parts: Any, **options: Any) -> Any:
    return client(place).messages.create(**asked(*parts), **options)


@scenario(CLIENT, "chat")
def chat(place: Place) -> None:
    answer = ask(place, HI)
    assert answer.content[0].text.strip() == ANSWER
    assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens) == (7, 3)


@scenario(CLIENT, "stream")
def stream(place: Place) -> None:
    with client(place).messages.stream(**asked(HI)) as events:
        assert "".join(events.text_stream).strip() == ANSWER


def conversation(place: Place, prompt: str, *, streamed: bool = False, **options: Any) -> Any:
    given = {**asked(prompt), "tools": TOOLS, **options}
    while True:
        if streamed:
            with client(place).messages.stream(**given) as events:
                message: Any = events.get_final_message()
        else:
            message = client(place).messages.create(**given)
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            return message
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": suite.weather(**call.input)} for call in calls
        ]
        given["messages"] += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]


@scenario(CLIENT, "tools")
def tools(place: Place) -> None:
    assert conversation(place, suite.LOOK_UP_TWICE).content[0].text.strip() == ANSWER
    place.saw_results("Paris", "Rome")


@scenario(CLIENT, "parallel tools")
def parallel_tools(place: Place) -> None:
    names = [block.name for block in ask(place, "FAKE:paralleltools", tools=TOOLS).content if block.type == "tool_use"]
    assert names == ["get_weather", "get_weather", "get_time"]


@scenario(CLIENT, "structured output")
def structured_output(place: Place) -> None:
    assert client(place).messages.parse(**asked("FAKE:json"), output_format=Found).parsed_output == FOUND


@scenario(CLIENT, "image")
def image(place: Place) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    ask(place, {"type": "text", "text": "look"}, {"type": "image", "source": source})
    assert place.kinds() == ["text", "image"]


@scenario(CLIENT, "PDF")
def pdf(place: Place) -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    ask(place, {"type": "document", "source": source}, {"type": "text", "text": "read"})
    assert place.kinds() == ["document", "text"]


@scenario(CLIENT, "thinking with tools")
def thinking(place: Place) -> None:
    for streamed in (False, True):
        wish = {"type": "enabled", "budget_tokens": 1024}
        conversation(place, suite.THINK_AND_LOOK_UP, streamed=streamed, thinking=wish)
        place.saw_results("Paris")
        assert SIGNATURE in json.dumps(place.sent())


@scenario(CLIENT, "errors")
def errors(place: Place) -> None:
    refuses(anthropic.RateLimitError, lambda: ask(place, "FAKE:429"))
    refuses(anthropic.BadRequestError, lambda: ask(place, "FAKE:400"))
    refuses(anthropic.APIStatusError, lambda: ask(place, "FAKE:529"))
    refuses(anthropic.NotFoundError, lambda: client(place).messages.create(**{**asked(HI), "model": "nope"}))


@scenario(CLIENT, "cancel")
def cancel(place: Place) -> None:
    with client(place).messages.stream(**asked("FAKE:slow:0.3")) as events:
        next(iter(events.text_stream))
    place.ended()


@scenario(CLIENT, "count of tokens")
def count(place: Place) -> None:
    given = asked(HI)
    del given["max_tokens"]
    assert client(place).messages.count_tokens(**given).input_tokens > 0


@scenario(CLIENT, "list of models")
def models(place: Place) -> None:
    assert MODEL in [model.id for model in client(place).models.list()]
    assert client(place).models.retrieve(MODEL).id == MODEL
