"""Chat requests as the CLI takes them, and the CLI's errors as clients take them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_gateway.claude.errors import ClaudeError, from_result
from claude_gateway.claude.parameters import model_environment
from claude_gateway.claude.turns import ChatRequest, chat_request

MODEL = "claude-sdk/claude-sonnet-4-5"


def translate(messages: Any, **parameters: Any) -> ChatRequest:
    return chat_request(MODEL, messages, parameters, drop=False)


def text(value: str) -> dict[str, str]:
    return {"type": "text", "text": value}


def test_the_parts_of_a_conversation() -> None:
    request = translate(
        [
            {"role": "system", "content": "one"},
            {"role": "developer", "content": [text("two")]},
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": [text("c"), text("")]},
            {"role": "user", "content": "d"},
        ]
    )
    assert (request.model, request.system) == ("claude-sonnet-4-5", "one\n\ntwo")
    assert [(turn.role, turn.blocks) for turn in request.history] == [("user", [text("a")]), ("assistant", [text("b")])]
    assert request.prompt == [text("c"), text("d")]


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(min_size=1)), min_size=1))
def test_no_text_is_lost_or_reordered(turns: list[tuple[str, str]]) -> None:
    messages = [{"role": role, "content": content} for role, content in [("user", "first"), *turns, ("user", "last")]]
    request = translate(messages)
    blocks = [block["text"] for turn in request.history for block in turn.blocks]
    blocks += [block["text"] for block in request.prompt]
    assert blocks == [message["content"] for message in messages]
    roles = [*(turn.role for turn in request.history), "user"]
    assert all(left != right for left, right in pairwise(roles))


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": 7}],
        [{"role": "user", "content": [7]}],
        [{"role": "user", "content": [{"type": "text"}]}],
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
        [{"role": "assistant", "content": "b"}, {"role": "user", "content": "a"}],
        [{"role": "robot", "content": "a"}],
        [{"content": "a"}],
        [{"role": "assistant", "content": "", "tool_calls": [{}]}, {"role": "user", "content": "a"}],
        [{"role": "system", "content": [{"type": "image_url", "image_url": "x"}]}, {"role": "user", "content": "a"}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": None}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AA"}}]}],
    ],
)
def test_what_cannot_be_passed_on_is_a_400_even_when_parameters_may_be_dropped(messages: Any) -> None:
    with pytest.raises(ClaudeError) as caught:
        chat_request(MODEL, messages, {}, drop=True)
    assert caught.value.status == 400


def test_parameters_reach_the_cli_as_settings() -> None:
    environment = model_environment(
        {"max_tokens": 5, "temperature": 0.0, "top_k": 3, "stop": "END", "n": 1, "seed": None, "stream": True},
        drop=False,
    )
    assert environment["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "5"
    assert json.loads(environment["CLAUDE_CODE_EXTRA_BODY"]) == {
        "temperature": 0.0,
        "top_k": 3,
        "stop_sequences": ["END"],
    }


def test_max_completion_tokens_is_the_newer_name_and_wins() -> None:
    environment = model_environment({"max_tokens": 5, "max_completion_tokens": 6}, drop=False)
    assert environment["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "6"


@pytest.mark.parametrize(
    "parameters",
    [
        {"tools": [{}]},
        {"n": 2},
        {"seed": 1},
        {"logprobs": True},
        {"response_format": {"type": "json_object"}},
        {"something_new": 1},
    ],
)
def test_unsupported_parameters_are_refused_by_name_or_dropped_when_told_so(parameters: dict[str, Any]) -> None:
    with pytest.raises(ClaudeError) as caught:
        model_environment(parameters, drop=False)
    assert caught.value.status == 400
    assert next(iter(parameters)) in caught.value.message
    assert model_environment(parameters, drop=True) == {}


@pytest.mark.parametrize(
    "parameters",
    [{"temperature": 2}, {"temperature": True}, {"temperature": "hot"}, {"top_p": -1}, {"top_k": 0}, {"max_tokens": 0},
     {"max_tokens": 1.5}, {"max_tokens": "x"}, {"stop": [""]}, {"stop": [1]}, {"stop": {"a": 1}}],
)  # fmt: skip
def test_a_value_that_claude_does_not_take_is_refused_even_when_parameters_may_be_dropped(
    parameters: dict[str, Any],
) -> None:
    with pytest.raises(ClaudeError) as caught:
        model_environment(parameters, drop=True)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("result", "status", "retry_after"),
    [
        ({"api_error_status": 400, "result": "API Error: 400 bad"}, 400, None),
        ({"api_error_status": 401, "result": "secret account"}, 503, None),
        ({"api_error_status": 403, "result": "secret account"}, 503, None),
        ({"api_error_status": 404}, 404, None),
        ({"api_error_status": 413}, 413, None),
        ({"api_error_status": 429, "result": "secret account"}, 429, 60),
        ({"api_error_status": 500}, 500, None),
        ({"api_error_status": 529}, 529, 5),
        ({"api_error_status": 418}, 502, None),
        ({"result": "Not logged in · Please run /login"}, 503, None),
        ({"subtype": "success"}, 502, None),
    ],
)
def test_the_clis_report_becomes_a_status(result: dict[str, Any], status: int, retry_after: int | None) -> None:
    error = from_result(result, {"resetsAt": 1060}, now=1000)
    assert (error.status, error.retry_after) == (status, retry_after)
    assert "secret account" not in error.message
    assert status != 401, "a wrong API key and an expired login must not look alike"


@pytest.mark.parametrize(("limit", "seconds"), [({}, 30), ({"resetsAt": 900}, 1), ({"resetsAt": "x"}, 30)])
def test_retry_after_is_always_a_positive_number(limit: dict[str, Any], seconds: int) -> None:
    assert from_result({"api_error_status": 429}, limit, now=1000).retry_after == seconds


def test_an_expired_login_says_how_to_mend_it() -> None:
    assert "make login" in from_result({"api_error_status": 401}, {}).message
