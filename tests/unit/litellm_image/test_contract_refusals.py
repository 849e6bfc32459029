"""What is refused is refused in plain words, with the JSON path."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.litellm_image.contract_cases import SMALL, USER, refusal

from claude_gateway.api.contract import Route
from claude_gateway.api.contract.error_sentences import PATTERNS
from claude_gateway.dialect import Dialect
from claude_gateway.errors import Failure

M, CHAT, RESPONSES, COMPLETIONS = Route.MESSAGES, Route.CHAT, Route.RESPONSES, Route.COMPLETIONS


@pytest.mark.parametrize(
    ("route", "fields", "message"),
    [
        (M, {"max_tokens": None}, "max_tokens: is required"),
        (M, {"max_tokens": -1}, "max_tokens: must be at least 0"),
        (M, {"max_tokens": "5"}, "max_tokens: must be a whole number"),
        (M, {"max_tokens": True}, "max_tokens: must be a whole number"),
        (M, {"max_tokens": 5.5}, "max_tokens: must be a whole number"),
        (M, {"max_tokens": 10**30}, "max_tokens: must be at most 9.22337e+18"),
        (M, {"temperature": -1}, "temperature: must be at least 0"),
        (M, {"temperature": "hot"}, "temperature: must be a number"),
        (M, {"top_k": -2}, "top_k: must be at least 0"),
        (M, {"stream": "yes"}, "stream: must be true or false"),
        (M, {"temprature": 1}, "temprature: is not a field that is known here; did you mean temperature?"),
        (M, {"betas": ["x"]}, "betas: is a header, no field of the body"),
        (
            M,
            {"thread": {"type": "create"}},
            "thread: is not supported: no conversation is kept here",
        ),
        (M, {"messages": []}, "messages: must not be empty"),
        (M, {"messages": "hi"}, "messages: must be a list"),
        (M, {"messages": [5]}, "messages.0: must be an object"),
        (M, {"messages": [{"content": "x"}]}, "messages.0.role: is required"),
        (
            M,
            {"messages": [{"role": "wizard", "content": "x"}]},
            'messages.0.role: "wizard" is not known here; it must be "user", "assistant" or "system"',
        ),
        (M, {"messages": [{"role": "user"}]}, "messages.0.content: is required"),
        (M, {"messages": [{"role": "user", "content": 5}]}, "messages.0.content: must be a string or a list"),
        (M, {"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text: is required"),
        (
            M,
            {"messages": [USER, {"role": "user", "content": [{"type": "txt", "text": "x"}]}]},
            'messages.1.content.0.type: "txt" is not known here; did you mean "text"?',
        ),
        (
            M,
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_controll": None}]}]},
            "messages.0.content.0.cache_controll: is not a field that is known here; did you mean cache_control?",
        ),
        (
            M,
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "file:///x"}}]}
                ]
            },
            "messages.0.content.0.source.url: must be an https: URL",
        ),
        (
            M,
            {
                "messages": [
                    {"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "http://x"}}]}
                ]
            },
            "messages.0.content.0.source.url: must be an https: URL",
        ),
        (M, {"tools": [{"name": "f"}]}, "tools.0.input_schema: is required"),
        (
            M,
            {"fallbacks": "default"},
            "fallbacks: must be a list of models that are served here",
        ),
        (
            M,
            {"fallbacks": [{"model": "opuss"}]},
            'fallbacks.0.model: there is no model "opuss" here; did you mean "opus"?',
        ),
        (CHAT, {"n": 2}, "n: is not supported: Claude gives one answer to a request"),
        (CHAT, {"n": True}, "n: is not supported: Claude gives one answer to a request"),
        (CHAT, {"store": True}, "store: is not supported: no answer is kept here"),
        (CHAT, {"logprobs": True}, "logprobs: is not supported: Claude does not tell the probabilities of tokens"),
        (CHAT, {"temperature": 1.5}, "temperature: must be at most 1"),
        (CHAT, {"modalities": ["text", "audio"]}, "modalities: is not supported: Claude neither hears nor speaks"),
        (CHAT, {"user": 5}, "user: must be a string"),
        (
            CHAT,
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://a/b"}}]}]},
            f"messages.0.content.0.image_url.url: {PATTERNS[r'^(?:https://|data:[^,]*;base64,)']}",
        ),
        (
            CHAT,
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}},
            "response_format.json_schema.schema: is required",
        ),
        (
            CHAT,
            {"tools": [{"type": "function", "function": {"name": "a.b"}}]},
            "tools.0.function.name: must be 1 to 128 letters, digits, underscores and hyphens",
        ),
        (
            CHAT,
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
            "messages.0.content.0: is not supported: Claude neither hears nor speaks",
        ),
        (
            CHAT,
            {"tools": [{"type": "custom", "custom": {"name": "f"}}]},
            "tools.0: is not supported: Claude calls tools with JSON alone; use a tool of type function",
        ),
        (
            CHAT,
            {"reasoning_effort": "lots"},
            'reasoning_effort: must be "none", "minimal", "low", "medium", "high", "xhigh" or "max"',
        ),
        (
            RESPONSES,
            {"previous_response_id": "resp_1"},
            "previous_response_id: is not supported: no response is kept here; send all items as input",
        ),
        (
            RESPONSES,
            {"conversation": "conv_1"},
            "conversation: is not supported: no conversation is kept here; send all items as input",
        ),
        (RESPONSES, {"background": True}, "background: is not supported: no answer is kept here"),
        (RESPONSES, {"store": True}, "store: is not supported: no answer is kept here"),
        (RESPONSES, {"prompt": {"id": "p"}}, "prompt: is not supported: no prompts are kept here; send the text"),
        (RESPONSES, {"input": None}, "input: is required"),
        (RESPONSES, {"input": []}, "input: must not be empty"),
        (
            RESPONSES,
            {"input": [{"id": "x", "type": "item_reference"}]},
            "input.0: is not supported: no item is kept here; send the item itself, as clients do with store: false",
        ),
        (
            RESPONSES,
            {"input": [{"role": "tool", "content": "x"}]},
            'input.0.role: must be "user", "assistant", "system" or "developer"',
        ),
        (
            RESPONSES,
            {"text": {"verbosity": "low"}},
            'text.verbosity: must be "medium"; say in the prompt how long the answer should be',
        ),
        (
            RESPONSES,
            {"tools": [{"type": "code_interpreter", "container": "c"}]},
            "tools.0: is not supported: this tool runs at OpenAI alone",
        ),
        (
            RESPONSES,
            {"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]},
            "input.0.call_id: has no function_call in the input; send it too, because no response is kept here",
        ),
        (
            CHAT,
            {"response_format": {"type": "json_object"}},
            "response_format: json_object wants a prompt with the word JSON in it",
        ),
        (COMPLETIONS, {"prompt": ["a", "b"]}, "prompt: is not supported as several prompts: send one text"),
        (COMPLETIONS, {"prompt": [1, 2]}, "prompt: is not supported as tokens: send one text"),
        (COMPLETIONS, {"prompt": [[1], [2]]}, "prompt: is not supported as tokens: send one text"),
        (COMPLETIONS, {"prompt": ""}, "prompt: must be a string that is not empty"),
        (COMPLETIONS, {"prompt": []}, "prompt: must be a string that is not empty"),
        (COMPLETIONS, {"suffix": "x"}, "suffix: is not supported: Claude fills no gaps"),
        (COMPLETIONS, {"echo": True}, "echo: is not supported: Claude's answer does not begin with the prompt"),
        (COMPLETIONS, {"best_of": 3}, "best_of: is not supported: Claude gives one answer to a request"),
        (COMPLETIONS, {"logprobs": 0}, "logprobs: is not supported: Claude does not tell the probabilities of tokens"),
    ],
)
def test_a_refusal_names_the_path_and_what_to_do(route: Route, fields: dict[str, Any], message: str) -> None:
    rejection = refusal(route, {**SMALL[route], **fields})
    assert rejection is not None
    assert rejection.message == message
    assert rejection.param == message.split(":", maxsplit=1)[0]


def test_a_conversation_that_is_not_kept_is_refused_so_that_sdks_go_on_without_it() -> None:
    """The tool runner of Anthropic's SDK for Node begins one, and looks for this code."""
    thread = refusal(M, {**SMALL[M], "thread": {"type": "create"}})
    assert thread is not None
    error = Failure(thread.status, thread.message, thread.param, thread.code).body(Dialect.ANTHROPIC, "req_1")["error"]
    assert error["type"] == "invalid_request_error"
    assert error["details"] == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}


@pytest.mark.parametrize("route", list(SMALL))
@pytest.mark.parametrize(
    ("model", "status", "words"),
    [
        (None, 400, "is required"),
        (5, 400, "must be a string"),
        (["sonnet"], 400, "must be a string"),
        ("", 404, "there is no model"),
        ("nope", 404, "there is no model"),
        ("sonnet,opus", 404, "there is no model"),
        ("sonnet, sonnet", 404, "there is no model"),
        ("claude-sonnet-4-5[1m]", 404, "there is no model"),
        ("openai/sonnet", 404, "there is no model"),
        ("*", 404, "there is no model"),
        ("x" * 10_000, 404, "there is no model"),
        ("a\n2026-11-26 INFO forged \x1b]0;x\x07", 404, "there is no model"),
    ],
)
def test_a_model_is_one_known_name(route: Route, model: Any, status: int, words: str) -> None:
    rejection = refusal(route, {**SMALL[route], "model": model})
    assert rejection is not None
    assert rejection.status == status
    assert words in rejection.message
    assert rejection.message.isprintable()
    assert len(rejection.message) < 300
    assert rejection.code == {404: "model_not_found"}.get(status, rejection.code)


def test_numbers_of_messages_and_tools_have_a_bound() -> None:
    many = refusal(M, {**SMALL[M], "messages": [USER] * 100_001})
    assert many is not None
    assert (many.status, many.message) == (413, "messages: has more than 100,000 entries")
    tools = refusal(M, {**SMALL[M], "tools": [{"name": "f", "input_schema": {}}] * 10_001})
    assert tools is not None
    assert tools.status == 413


def test_a_clients_text_reaches_no_message_unescaped_or_whole() -> None:
    name = "x\n\x1b\u202e\ufeff" + "y" * 1000
    rejection = refusal(CHAT, {**SMALL[CHAT], "messages": [{**USER, name: "sk-secret"}]})
    assert rejection is not None
    assert rejection.message.isprintable()
    assert "sk-secret" not in rejection.message
    assert len(rejection.message) < 300
