"""OpenAI's own client, on chat completions and on responses."""

from __future__ import annotations

import json
from typing import Any

import openai

from tests.clients import suite
from tests.clients.suite import ANSWER, FOUND, HI, IMAGE, MODEL, PDF, SCHEMA, Found, Place, scenario

CHAT, RESPONSES = "openai (chat)", "openai (responses)"
FUNCTION = {"name": "get_weather", "description": "The weather.", "parameters": SCHEMA}
TOOLS: Any = [{"type": "function", "function": FUNCTION}]
FLAT: Any = [{"type": "function", **FUNCTION}]
PDF_URL = f"data:application/pdf;base64,{PDF}"


def client(place: Place) -> openai.OpenAI:
    return openai.OpenAI(**place.openai)


def ask(place: Place, *parts: Any, **options: Any) -> Any:
    messages: Any = [{"role": "user", "content": list(parts) if len(parts) > 1 else parts[0]}]
    return client(place).chat.completions.create(model=MODEL, messages=messages, **options)


@scenario(CHAT, "chat")
def chat(place: Place) -> None:
    answer = ask(place, HI)
    assert answer.choices[0].message.content.strip() == ANSWER
    assert answer.usage.completion_tokens == 5


@scenario(CHAT, "stream")
def stream(place: Place) -> None:
    chunks = list(ask(place, HI, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices).strip() == ANSWER
    assert chunks[-1].usage.completion_tokens == 5


def conversation(place: Place, prompt: str, **options: Any) -> Any:
    """Turns until there is no call left."""
    messages: list[Any] = [{"role": "user", "content": prompt}]
    while True:
        made: Any = client(place).chat.completions.create(model=MODEL, messages=messages, tools=TOOLS, **options)
        message = made.choices[0].message
        if not message.tool_calls:
            return message
        messages.append(message)
        for call in message.tool_calls:
            result = suite.weather(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


@scenario(CHAT, "tools")
def tools(place: Place) -> None:
    assert conversation(place, suite.LOOK_UP_TWICE).content.strip() == ANSWER
    place.saw_results("Paris", "Rome")


@scenario(CHAT, "parallel tools")
def parallel_tools(place: Place) -> None:
    message = ask(place, "FAKE:paralleltools", tools=TOOLS).choices[0].message
    assert [call.function.name for call in message.tool_calls] == ["get_weather", "get_weather", "get_time"]


@scenario(CHAT, "structured output")
def structured_output(place: Place) -> None:
    made = client(place).chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": "FAKE:json"}], response_format=Found
    )
    assert made.choices[0].message.parsed == FOUND


@scenario(CHAT, "image")
def image(place: Place) -> None:
    ask(place, {"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": IMAGE}})
    assert place.kinds() == ["text", "image"]


@scenario(CHAT, "PDF")
def pdf(place: Place) -> None:
    ask(place, {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF_URL}}, {"type": "text", "text": "read"})
    assert place.kinds() == ["document", "text"]


@scenario(CHAT, "thinking with tools")
def thinking(place: Place) -> None:
    conversation(place, suite.THINK_AND_LOOK_UP, reasoning_effort="low")
    place.saw_thoughts()


@scenario(CHAT, "errors")
def errors(place: Place) -> None:
    refuses(openai.RateLimitError, lambda: ask(place, "FAKE:429"))
    refuses(openai.BadRequestError, lambda: ask(place, "FAKE:400"))
    refuses(openai.BadRequestError, lambda: ask(place, HI, n=2))
    refuses(openai.NotFoundError, lambda: client(place).chat.completions.create(model="nope", messages=[]))


@scenario(CHAT, "cancel")
def cancel(place: Place) -> None:
    with ask(place, "FAKE:slow:0.3", stream=True) as events:
        next(iter(events))
    place.ended()


def respond(place: Place, given: Any, **options: Any) -> Any:
    return client(place).responses.create(model=MODEL, input=given, **options)


def said(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


@scenario(RESPONSES, "chat")
def responses_chat(place: Place) -> None:
    assert respond(place, HI).output_text.strip() == ANSWER


@scenario(RESPONSES, "stream")
def responses_stream(place: Place) -> None:
    with client(place).responses.stream(model=MODEL, input=HI) as events:
        kinds = [event.type for event in events]
        assert events.get_final_response().output_text.strip() == ANSWER
    assert kinds[-1] == "response.completed"


def dialogue(place: Place, prompt: str, *, streamed: bool = False, **options: Any) -> Any:
    items: list[Any] = [{"role": "user", "content": prompt}]
    while True:
        if streamed:
            with client(place).responses.stream(model=MODEL, input=items, tools=FLAT, **options) as events:
                made: Any = events.get_final_response()
        else:
            made = respond(place, items, tools=FLAT, **options)
        calls = [item for item in made.output if item.type == "function_call"]
        if not calls:
            return made
        items += [item.model_dump(exclude_none=True) for item in made.output]
        for call in calls:
            result = suite.weather(**json.loads(call.arguments))
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": result})


@scenario(RESPONSES, "tools")
def responses_tools(place: Place) -> None:
    assert dialogue(place, suite.LOOK_UP_TWICE).output_text.strip() == ANSWER
    place.saw_results("Paris", "Rome")


@scenario(RESPONSES, "parallel tools")
def responses_parallel(place: Place) -> None:
    calls = [item.name for item in respond(place, "FAKE:paralleltools", tools=FLAT).output if item.type != "message"]
    assert calls == ["get_weather", "get_weather", "get_time"]


@scenario(RESPONSES, "structured output")
def responses_structured(place: Place) -> None:
    assert client(place).responses.parse(model=MODEL, input="FAKE:json", text_format=Found).output_parsed == FOUND


@scenario(RESPONSES, "image")
def responses_image(place: Place) -> None:
    respond(place, said({"type": "input_text", "text": "look"}, {"type": "input_image", "image_url": IMAGE}))
    assert place.kinds() == ["text", "image"]


@scenario(RESPONSES, "PDF")
def responses_pdf(place: Place) -> None:
    respond(place, said({"type": "input_file", "filename": "a.pdf", "file_data": PDF_URL}))
    assert place.kinds() == ["document"]


@scenario(RESPONSES, "thinking with tools")
def responses_thinking(place: Place) -> None:
    for streamed in (False, True):
        dialogue(place, suite.THINK_AND_LOOK_UP, streamed=streamed, reasoning={"effort": "low"})
        place.saw_thoughts()
        assert suite.SIGNATURE in json.dumps(place.sent())


@scenario(RESPONSES, "errors")
def responses_errors(place: Place) -> None:
    refuses(openai.RateLimitError, lambda: respond(place, "FAKE:429"))
    refuses(openai.BadRequestError, lambda: respond(place, "FAKE:400"))
    refuses(openai.BadRequestError, lambda: respond(place, HI, previous_response_id="resp_1"))


@scenario(RESPONSES, "cancel")
def responses_cancel(place: Place) -> None:
    with respond(place, "FAKE:slow:0.3", stream=True) as events:
        for event in events:
            if event.type == "response.output_text.delta":
                break
    place.ended()


def refuses(error: type[Exception], what: Any) -> None:
    try:
        what()
    except error:
        return
    raise AssertionError(f"no {error.__name__}")
