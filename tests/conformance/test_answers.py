"""Good answers: text, history, system prompts, images, stop reasons, tokens, parameters."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import openai
import pytest

from testbed.container import MODELS, Gateway
from tests.conformance.ask import ANSWER, Ask, Clients, ask_anthropic, ask_anthropic_streamed, ask_openai

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def texts(record: dict[str, Any], role: str) -> list[str]:
    """All text blocks of one role in what the upstream received, in order."""
    found = []
    for message in record["body"]["messages"]:
        if message["role"] == role:
            content = message["content"]
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            found += [block["text"] for block in blocks if block["type"] == "text"]
    return found


def test_an_answer_arrives_whole_and_is_asked_for_once(ask: Ask, clients: Clients, gateway: Gateway) -> None:
    answer = ask(clients, "hello there")
    assert answer.text == ANSWER
    records = gateway.records()
    assert len(records) == 1
    assert texts(records[0], "user")[-1] == "hello there"
    assert records[0]["body"]["model"] == MODELS["sonnet"]


def test_tokens_are_counted_with_those_of_the_cache(ask: Ask, clients: Clients) -> None:
    answer = ask(clients, "hello")
    assert (answer.input_tokens, answer.output_tokens) == (7, 5)
    assert (answer.cache_read, answer.cache_written) == (3, 2)


def test_history_arrives_in_order(ask: Ask, clients: Clients, gateway: Gateway) -> None:
    history = [
        {"role": "user", "content": "my name is Bob"},
        {"role": "assistant", "content": "Hello Bob"},
        {"role": "user", "content": "and I like tea"},
        {"role": "assistant", "content": "Noted"},
        {"role": "user", "content": "who am I?"},
    ]
    ask(clients, history)
    (record,) = gateway.records()
    turns = [message["role"] for message in record["body"]["messages"]]
    assert turns == ["user", "assistant", "user", "assistant", "user"]
    assert texts(record, "assistant") == ["Hello Bob", "Noted"]
    users = texts(record, "user")
    assert [users.index(text) for text in ("my name is Bob", "and I like tea", "who am I?")] == sorted(
        users.index(text) for text in ("my name is Bob", "and I like tea", "who am I?")
    )


@pytest.mark.parametrize("size", [20, 200_000])
def test_a_system_prompt_arrives_as_such(size: int, clients: Clients, gateway: Gateway) -> None:
    prompt = "Speak like a pirate. " * (size // 20)
    ask_openai(clients, [{"role": "system", "content": prompt}, {"role": "user", "content": "hi"}])
    ask_anthropic(clients, "hi", system=prompt)
    records = gateway.records()
    assert len(records) == 2
    for record in records:
        assert prompt.strip() in "".join(block["text"] for block in record["body"]["system"])


def test_a_developer_message_is_a_system_prompt(clients: Clients, gateway: Gateway) -> None:
    ask_openai(clients, [{"role": "developer", "content": "Be brief-7."}, {"role": "user", "content": "hi"}])
    assert "Be brief-7." in str(gateway.records()[0]["body"]["system"])


def test_an_image_arrives_unchanged(clients: Clients, gateway: Gateway) -> None:
    text = {"type": "text", "text": "what is this?"}
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    ask_openai(clients, [{"role": "user", "content": [text, url]}])
    ask_anthropic(clients, [{"role": "user", "content": [text, {"type": "image", "source": source}]}])
    records = gateway.records()
    assert len(records) == 2
    for record in records:
        blocks = record["body"]["messages"][-1]["content"]
        assert [block["source"] for block in blocks if block["type"] == "image"] == [source]


def test_a_large_prompt_arrives_whole(clients: Clients, gateway: Gateway) -> None:
    prompt = "x" * 2_000_000
    assert ask_openai(clients, prompt).text == ANSWER
    assert texts(gateway.records()[0], "user")[-1] == prompt


@pytest.mark.parametrize(
    ("marker", "openai_reason", "anthropic_reason"),
    [
        ("plain", "stop", "end_turn"),
        ("FAKE:maxtok", "length", "max_tokens"),
        ("FAKE:stopseq", "stop", "stop_sequence"),
        ("FAKE:refusal", "content_filter", "refusal"),
        ("FAKE:window", "length", "model_context_window_exceeded"),
    ],
)
def test_stop_reasons(
    ask: Ask, clients: Clients, gateway: Gateway, marker: str, openai_reason: str, anthropic_reason: str
) -> None:
    expected = openai_reason if "openai" in ask.__name__ else anthropic_reason
    answer = ask(clients, marker)
    assert (answer.stop, answer.text) == (expected, ANSWER)
    assert len(gateway.records()) == 1, "no second turn of the CLI's own"


@pytest.mark.parametrize("streamed", [False, True])
def test_the_stop_sequence_itself_arrives(streamed: bool, clients: Clients) -> None:
    options: Any = {"model": "sonnet", "max_tokens": 50, "messages": [{"role": "user", "content": "FAKE:stopseq"}]}
    if streamed:
        with clients.anthropic.messages.stream(**options) as stream:
            assert stream.get_final_message().stop_sequence == "END"
    else:
        assert clients.anthropic.messages.create(**options).stop_sequence == "END"


def test_parameters_reach_the_model(clients: Clients, gateway: Gateway) -> None:
    ask_openai(clients, "hi", max_tokens=33, temperature=0.25, top_p=0.9, stop=["END", "STOP"])
    body = gateway.records()[0]["body"]
    assert {name: body.get(name) for name in ("max_tokens", "temperature", "top_p", "stop_sequences")} == {
        "max_tokens": 33,
        "temperature": 0.25,
        "top_p": 0.9,
        "stop_sequences": ["END", "STOP"],
    }


def test_anthropic_parameters_reach_the_model(clients: Clients, gateway: Gateway) -> None:
    extra = {"temperature": 0.5, "top_k": 4}
    ask_anthropic(clients, "hi", max_tokens=41, stop_sequences=["END"], extra_body=extra)
    body = gateway.records()[0]["body"]
    assert (body["max_tokens"], body["stop_sequences"]) == (41, ["END"])
    assert (body["temperature"], body["top_k"]) == (0.5, 4)


def test_models_are_listed_for_both_clients(clients: Clients) -> None:
    names = [*MODELS, *MODELS.values()]
    assert sorted(model.id for model in clients.openai.models.list()) == sorted(names)
    assert sorted(model.id for model in clients.anthropic.models.list()) == sorted(names)
    assert clients.openai.models.retrieve("sonnet").id == clients.anthropic.models.retrieve("sonnet").id == "sonnet"


@pytest.mark.parametrize("name", [*MODELS, *MODELS.values()])
def test_each_public_name_is_its_upstream_model(name: str, clients: Clients, gateway: Gateway) -> None:
    clients.openai.chat.completions.create(model=name, messages=[{"role": "user", "content": "hi"}])
    assert gateway.records()[0]["body"]["model"] == MODELS.get(name, name)


def test_tokens_can_be_counted_without_asking_the_model(clients: Clients, gateway: Gateway) -> None:
    short = clients.anthropic.messages.count_tokens(model="sonnet", messages=[{"role": "user", "content": "one"}])
    long = clients.anthropic.messages.count_tokens(
        model="sonnet", messages=[{"role": "user", "content": "one two three " * 50}]
    )
    assert 0 < short.input_tokens < long.input_tokens
    assert gateway.records() == []


def test_the_responses_api_works_too(clients: Clients, gateway: Gateway) -> None:
    assert clients.openai.responses.create(model="sonnet", input="hi").output_text == ANSWER
    assert len(gateway.records()) == 1


def test_requests_do_not_see_each_other(clients: Clients, gateway: Gateway) -> None:
    for index in range(6):
        ask_anthropic_streamed(clients, f"secret-{index}")
    records = gateway.records()
    assert len(records) == 6
    for index, record in enumerate(records):
        others = [f"secret-{other}" for other in range(6) if other != index]
        assert f"secret-{index}" in str(record["body"])
        assert not any(other in str(record["body"]) for other in others)


async def test_the_async_client_works(gateway: Gateway) -> None:
    async with openai.AsyncOpenAI(
        base_url=f"{gateway.url}/v1",
        api_key=gateway.key,
        max_retries=0,
        http_client=httpx2.AsyncClient(verify=gateway.trust, timeout=60),
    ) as client:
        calls = [
            client.chat.completions.create(model="sonnet", messages=[{"role": "user", "content": f"n{number}"}])
            for number in range(4)
        ]
        answers = [completion.choices[0].message.content for completion in await asyncio.gather(*calls)]
    assert answers == [ANSWER] * 4
