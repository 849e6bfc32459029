"""Hundreds of bodies that nobody would send, through the whole stack: each is answered, or refused in plain words."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from testbed.fakes.mutations import broken, mutated

if TYPE_CHECKING:
    import httpx

    from testbed.container import Gateway

TEXT = {"type": "text", "text": "hi"}
TOOL = {"name": "look", "description": "d", "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}}}
FUNCTION = {"type": "function", "function": {"name": "look", "parameters": TOOL["input_schema"]}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": "x"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [TEXT]}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
USER, ASSISTANT = {"role": "user", "content": [TEXT]}, {"role": "assistant", "content": "so"}
ASKED: dict[str, dict[str, Any]] = {
    "/v1/messages": {
        "max_tokens": 9,
        "system": [TEXT],
        "messages": [USER, {"role": "assistant", "content": [TEXT, USE]}, {"role": "user", "content": [RESULT]}],
        "tools": [TOOL],
    },
    "/v1/messages/count_tokens": {"messages": [USER, ASSISTANT, USER], "system": "s", "tools": [TOOL]},
    "/v1/chat/completions": {
        "messages": [
            {"role": "system", "content": "s"},
            USER,
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "x"},
        ],
        "tools": [FUNCTION],
        "stream_options": {"include_usage": True},
        "stream": True,
    },
    "/v1/responses": {
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "x"},
        ],
        "tools": [{"type": "function", "name": "look", "parameters": TOOL["input_schema"]}],
        "instructions": "s",
    },
    "/v1/completions": {"prompt": "hi", "max_tokens": 9, "stop": ["x"]},
}
BODIES = 80
INSIDES = ("Traceback", "NoneType", "object has no attribute", "Input should", "b'", "File an issue", "positional")


def error_of(path: str, text: str) -> dict[str, Any]:
    """The error object, in the shape of the route's dialect."""
    found = json.loads(text)
    if path.startswith("/v1/messages"):
        assert found["type"] == "error"
        assert found["request_id"]
        assert set(found["error"]) == {"type", "message"}
    else:
        assert set(found["error"]) == {"message", "type", "param", "code"}
    error = found["error"]
    assert isinstance(error, dict)
    return error


def judge(path: str, answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    assert answer.headers["x-request-id"]
    if answer.status_code == 200:
        return
    assert 400 <= answer.status_code < 500
    message = error_of(path, answer.text)["message"]
    assert message.isprintable()
    assert not any(words in message for words in INSIDES), message


@pytest.mark.parametrize("path", ASKED)
def test_any_body_is_answered_or_refused(gateway: Gateway, path: str) -> None:
    """The same bodies each time, so that a failure can be seen again."""
    chance = random.Random(path)
    restarts = gateway.restarts()
    before = len(gateway.log())
    with gateway.http() as http:
        for _ in range(BODIES):
            body = {"model": "sonnet", **ASKED[path]}
            changed = mutated(body, chance)
            raw = broken(body, chance) if chance.random() < 0.4 else json.dumps(changed).encode()
            judge(path, http.post(path, content=raw, headers={"content-type": "application/json"}))
        assert http.get("/v1/models").status_code == 200
    assert gateway.restarts() == restarts
    assert "Traceback" not in gateway.log()[before:]
