"""Calls of free tools that are cut off."""

from __future__ import annotations

import pytest
from tests.unit.litellm_image.test_responses import MANY, START, block, made_of

CUT = ({"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {}}, {"type": "message_stop"})
CALL = {"type": "tool_use", "id": "toolu_1", "name": "patch", "input": {}}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("", ""),
        ('{"cont', ""),
        ('{"content": ', ""),
        ('{"content": "*** Beg', "*** Beg"),
        ('{"content": "a\\n\\"b\\', 'a\n"b'),
        ('{"content": "so"', "so"),
        ('{"content": "so", "mo', "so"),
        ('{"content": "' + "x" * 1_000_001 + '"}', "x" * 1_000_001),
        ('{"other": "so"}', '{"other": "so"}'),
        ('{"content": 5}', "5"),
        ("no JSON", "no JSON"),
    ],
)
def test_what_there_is_of_a_call_is_its_text_without_the_json_around_it(arguments: str, text: str) -> None:
    piece = {"type": "input_json_delta", "partial_json": arguments}
    last = made_of(START, *block(CALL, piece), *CUT, tools=MANY)[-1]
    (item,) = last["response"]["output"]
    assert (last["type"], item["status"], item["input"]) == ("response.incomplete", "incomplete", text)
