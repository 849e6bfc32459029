"""What real clients send enters: Claude Code's recorded requests, answers that are sent back, SDKs' defaults."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from anthropic.types.beta import BetaMessage
from openai.types.chat import ChatCompletionMessage, ParsedChatCompletionMessage
from openai.types.responses import Response
from tests.unit.litellm_image.contract_cases import LARGE, MODELS, SMALL, USER, admitted

from claude_gateway.api.contract import Models, Route, admit, request_betas

RECORDED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "claude_code_requests.json").read_text(encoding="utf-8")
)
NAMES = Models({name: name for name in {request["body"]["model"] for request in RECORDED}})


@pytest.mark.parametrize("request_", RECORDED, ids=[request["name"] for request in RECORDED])
def test_what_claude_code_sends_enters_unchanged(request_: dict[str, Any]) -> None:
    """Recorded with the locked CLI against the fake API; long texts are cut."""
    assert admit(Route.MESSAGES, request_["body"], models=NAMES, drop=False) == request_["body"]
    counted = admit(Route.COUNT_TOKENS, request_["body"], models=NAMES, drop=False)
    assert counted.items() <= request_["body"].items()
    betas = request_["beta"].split(",")
    assert request_betas([(b"anthropic-beta", request_["beta"].encode())], drop=False) == betas


@pytest.mark.parametrize("route", [Route.MESSAGES, Route.CHAT, Route.RESPONSES])
def test_a_request_with_much_in_it_enters_unchanged(route: Route) -> None:
    assert admitted(route, **LARGE[route]) == {**LARGE[route], "model": "claude-sonnet-4-5"}


def test_an_answer_of_anthropics_is_taken_back_with_its_nulls() -> None:
    content: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": "hm", "signature": "abc"},
        {"type": "redacted_thinking", "data": "abc"},
        {"type": "text", "text": "so", "citations": None},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "caller": {"type": "direct"}},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": [
                {"type": "web_search_result", "title": "t", "url": "u", "encrypted_content": "e", "page_age": None}
            ],
        },
    ]
    usage = {"input_tokens": 1, "output_tokens": 1}
    frame = {"id": "m", "type": "message", "role": "assistant", "model": "x", "stop_reason": None, "usage": usage}
    answer = BetaMessage.model_validate({**frame, "content": content})
    for blocks in (answer.content, answer.model_dump()["content"], answer.model_dump(exclude_none=True)["content"]):
        sent = [block if isinstance(block, dict) else block.model_dump(mode="json") for block in blocks]
        made = admitted(Route.MESSAGES, messages=[USER, {"role": "assistant", "content": sent}, USER])
        assert [block["type"] for block in made["messages"][1]["content"]] == [block["type"] for block in content]
        assert made["messages"][1]["content"][3]["input"] == {}


def test_an_answer_of_chat_completions_is_taken_back() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answer = ChatCompletionMessage.model_validate({"role": "assistant", "content": None, "tool_calls": [call]})
    result = {"role": "tool", "tool_call_id": "call_1", "content": "x"}
    made = admitted(Route.CHAT, messages=[USER, answer.model_dump(), result])
    assert made["messages"][1] == {"role": "assistant", "content": None, "tool_calls": [call]}


@pytest.mark.parametrize("read", [None, {"city": "Rome"}])
def test_an_answer_that_openais_sdks_have_read_is_taken_back(read: Any) -> None:
    """As `parse`, `stream` and `runTools` give it; those of Node send it back by themselves."""
    function = {"name": "f", "arguments": "{}"}
    call = {"id": "call_1", "type": "function", "function": function | {"parsed_arguments": read}}
    fields = {"role": "assistant", "content": "{}", "tool_calls": [call], "parsed": read}
    answer = ParsedChatCompletionMessage[Any].model_validate(fields)
    result = {"role": "tool", "tool_call_id": "call_1", "content": "x"}
    for sent in (answer.model_dump(exclude_unset=True), answer.model_dump(), fields):
        made = admitted(Route.CHAT, messages=[USER, sent, result])["messages"][1]
        assert made == {"role": "assistant", "content": "{}", "tool_calls": [call | {"function": function}]}


def test_an_answer_of_litellms_is_taken_back_with_its_thoughts() -> None:
    """As LiteLLM renders it, in one piece and put together from a stream."""
    thoughts = [{"type": "thinking", "thinking": "hm", "signature": "abc"}, {"type": "redacted_thinking", "data": "x"}]
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answer = {
        "role": "assistant",
        "content": "so",
        "tool_calls": [call],
        "function_call": None,
        "audio": None,
        "refusal": None,
        "annotations": [{"type": "url_citation", "url_citation": {}}],
        "images": [],
        "reasoning_content": "hm",
        "thinking_blocks": thoughts,
        "provider_specific_fields": {"citations": None, "thinking_blocks": thoughts, "context_management": {"x": 1}},
    }
    made = admitted(Route.CHAT, messages=[USER, answer, {"role": "tool", "tool_call_id": "call_1", "content": "x"}])
    assert made["messages"][1] == {
        "role": "assistant",
        "content": "so",
        "tool_calls": [call],
        "reasoning_content": "hm",
        "thinking_blocks": thoughts,
        "provider_specific_fields": {"thinking_blocks": thoughts},
    }


def test_items_of_a_response_are_taken_back() -> None:
    text = {"type": "output_text", "text": "so", "annotations": [], "logprobs": []}
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "abc", "status": "completed"},
        {"type": "message", "id": "m_1", "role": "assistant", "status": "completed", "content": [text]},
        {"type": "function_call", "id": "f_1", "call_id": "c_1", "name": "f", "arguments": "{}", "status": "completed"},
    ]
    frame = {"id": "r", "object": "response", "created_at": 0, "model": "x", "parallel_tool_calls": True, "tools": []}
    answer = Response.model_validate({**frame, "tool_choice": "auto", "output": output})
    result = {"type": "function_call_output", "call_id": "c_1", "output": "x"}
    for dumped in (answer.model_dump()["output"], answer.model_dump(exclude_none=True)["output"], output):
        made = admitted(Route.RESPONSES, input=[USER, *dumped, result])
        assert [item.get("type") for item in made["input"][1:4]] == ["reasoning", "message", "function_call"]
        assert made["input"][2]["content"][0]["text"] == "so"


def test_what_the_model_said_when_it_refused_stays_in_the_conversation() -> None:
    """LiteLLM would leave it out, and the turns on both sides of it would become one."""
    whole = {"role": "assistant", "content": None, "refusal": "I will not."}
    part = {"role": "assistant", "content": [{"type": "refusal", "refusal": "I will not."}]}
    made = admitted(Route.CHAT, messages=[USER, whole, USER, part, USER])["messages"]
    assert made[1] == {"role": "assistant", "content": "I will not."}
    assert made[3] == {"role": "assistant", "content": [{"type": "text", "text": "I will not."}]}
    item = {"type": "message", "id": "m", "status": "completed", **part}
    made = admitted(Route.RESPONSES, input=[USER, item, USER])["input"]
    assert made[1]["content"] == [{"type": "output_text", "text": "I will not."}]


HARMLESS: dict[str, Any] = {
    "frequency_penalty": 0,
    "presence_penalty": 0.0,
    "logit_bias": {},
    "n": 1,
    "seed": 7,
    "user": "bob",
    "stream_options": {"include_usage": True},
}
DEFAULTS: dict[Route, dict[str, Any]] = {
    Route.CHAT: {
        **HARMLESS,
        "logprobs": False,
        "top_logprobs": 0,
        "metadata": {"a": "b"},
        "modalities": ["text"],
        "parallel_tool_calls": True,
        "prompt_cache_key": "k",
        "response_format": {"type": "text"},
        "safety_identifier": "s",
        "service_tier": "auto",
        "store": False,
        "functions": [],
        "function_call": "none",
        "tools": [],
        "tool_choice": "auto",
        "verbosity": "medium",
        "audio": None,
        "temperature": None,
        "prediction": None,
    },
    Route.RESPONSES: {
        "background": False,
        "client_metadata": {"session_id": "of Codex"},
        "conversation": None,
        "include": ["reasoning.encrypted_content"],
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": "k",
        "service_tier": "default",
        "store": False,
        "stream_options": {"include_obfuscation": False},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "truncation": "disabled",
        "user": "bob",
    },
    Route.COMPLETIONS: {**HARMLESS, "best_of": 1, "echo": False, "suffix": "", "logprobs": None},
    Route.MESSAGES: {"system": None, "tools": None, "context_management": None},
    Route.COUNT_TOKENS: {"max_tokens": 5, "stream": True, "temperature": 0.1},
}


@pytest.mark.parametrize("route", list(DEFAULTS))
def test_defaults_of_clients_mean_nothing_and_are_left_out(route: Route) -> None:
    assert admitted(route, **DEFAULTS[route]) == {**SMALL[route], "model": "claude-sonnet-4-5"}


def test_stream_options_stay_with_a_stream() -> None:
    made = admitted(Route.CHAT, stream=True, stream_options={"include_usage": True})
    assert made["stream_options"] == {"include_usage": True}


def test_wishes_that_claude_can_honour_pass() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    made = admitted(Route.CHAT, tools=tools, parallel_tool_calls=False, tool_choice="none", top_k=3)
    assert (made["parallel_tool_calls"], made["tool_choice"], made["top_k"]) == (False, "none", 3)
    assert admitted(Route.COMPLETIONS, prompt=["one"])["prompt"] == "one"
    assert admitted(Route.CHAT, max_tokens=5, max_completion_tokens=6)["max_completion_tokens"] == 6


def test_a_request_of_100_kilobytes_costs_a_few_milliseconds() -> None:
    body = RECORDED[0]["body"]
    turn = [
        {"role": "user", "content": [{"type": "text", "text": "x" * 400}]},
        {"role": "assistant", "content": "y" * 400},
    ]
    body = {**body, "messages": turn * 110 + body["messages"][:1], "tools": body["tools"] * 3}
    assert len(json.dumps(body)) > 100_000

    def seconds() -> float:
        started = time.thread_time()
        admit(Route.MESSAGES, body, models=NAMES, drop=False)
        return time.thread_time() - started

    assert min(seconds() for _ in range(10)) < 0.005


def test_what_claude_code_sends_in_its_plan_mode_enters() -> None:
    safeguards = [{"type": "dangerous_tool_use", "classifier_context": {"v": 1, "permission_mode": "plan"}}]
    assert (
        admitted(Route.MESSAGES, safeguards=safeguards, max_tokens=0).items()
        >= {
            "safeguards": safeguards,
            "max_tokens": 0,
        }.items()
    )
    assert "safeguards" not in admitted(Route.COUNT_TOKENS, safeguards=safeguards)


def test_other_models_of_a_request_are_names_too() -> None:
    advisor = {"type": "advisor_20260301", "name": "advisor", "model": "opus"}
    made = admitted(Route.MESSAGES, tools=[advisor], fallbacks=[{"model": "opus"}])
    assert made["tools"][0]["model"] == made["fallbacks"][0]["model"] == MODELS.resolve("opus")
