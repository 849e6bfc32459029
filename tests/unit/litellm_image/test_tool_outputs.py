"""Results of tools on OpenAI's routes: each part arrives as a block of its own."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.litellm_image.contract_cases import USER
from tests.unit.litellm_image.openai_lab import sent

from claude_gateway.api.contract import Route

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM's own

MARK = {"type": "ephemeral"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
PARTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "input_text", "text": "12"}, {"type": "text", "text": "12"}),
    (
        {"type": "input_text", "text": "34", "cache_control": MARK},
        {"type": "text", "text": "34", "cache_control": MARK},
    ),
    (
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
    ),
    (
        {"type": "input_image", "image_url": "https://example.com/a.png"},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
    ),
    (
        {"type": "input_file", "filename": "report", "file_data": "data:application/pdf;base64,AAAA"},
        {"type": "document", "source": PDF, "title": "report"},
    ),
    (
        {"type": "input_file", "file_data": "data:text/plain;base64,aGk="},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
    ),
    (
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
    ),
    (
        {"type": "input_file", "file_id": "file_1"},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    ),
]


def items(*outputs: Any, kind: str = "function_call") -> list[dict[str, Any]]:
    given = {"arguments": "{}"} if kind == "function_call" else {"input": "x"}
    calls = [{"type": kind, "call_id": f"call:{place}", "name": "look", **given} for place, _ in enumerate(outputs)]
    made = [
        {"type": f"{kind}_output", "call_id": f"call:{place}", "output": output} for place, output in enumerate(outputs)
    ]
    return [USER, *calls, *made]


async def results(**fields: Any) -> list[Any]:
    """What each result of the last message holds."""
    return [block["content"] for block in (await sent(Route.RESPONSES, **fields))["messages"][-1]["content"]]


@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call"])
async def test_a_result_of_parts_arrives_part_by_part(kind: str) -> None:
    parts = [part for part, _ in PARTS]
    assert await results(input=items(parts, "a text", [PARTS[0][0]], kind=kind)) == [
        [block for _, block in PARTS],
        "a text",
        [PARTS[0][1]],
    ]


async def test_a_result_that_says_nothing_is_an_empty_one() -> None:
    assert await results(input=items([{"type": "input_text", "text": " "}], [])) == ["", ""]


async def test_an_answer_that_calls_nothing_is_no_call() -> None:
    """Clients send an empty list back; Claude is offered no tool for it."""
    turn = {"role": "assistant", "content": "x", "tool_calls": []}
    body = await sent(Route.CHAT, messages=[USER, turn, USER])
    assert "tools" not in body
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
