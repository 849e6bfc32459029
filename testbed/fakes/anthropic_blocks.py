"""The content blocks of the fake's answers, each as it starts and with the deltas that follow."""

from __future__ import annotations

import json
from typing import Any

Block = tuple[dict[str, Any], list[dict[str, Any]]]  # a content block as it starts, and its deltas


def text(*pieces: str, **fields: Any) -> Block:
    return {"type": "text", "text": "", **fields}, [{"type": "text_delta", "text": piece} for piece in pieces]


def tool(identifier: str, name: str, arguments: Any, kind: str = "tool_use") -> Block:
    """A call, its arguments in three pieces after an empty one, as Anthropic streams them; a text is sent as it is."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    third = max(1, len(raw) // 3)
    pieces = ["", *(raw[at : at + third] for at in range(0, len(raw), third))]
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return {"type": kind, "id": identifier, "name": name, "input": {}}, deltas


def thinking(*pieces: str) -> Block:
    deltas: list[dict[str, Any]] = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    signature = {"type": "signature_delta", "signature": "EqQBCkYIBxgCKkDsig+/="}
    return {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signature]


CITATION = {
    "type": "char_location",
    "cited_text": "The grass is green.",
    "document_index": 0,
    "document_title": "Doc",
    "start_char_index": 0,
    "end_char_index": 19,
    "file_id": None,
}


def cited(citation: dict[str, Any]) -> Block:
    block, deltas = text("green", citations=[])
    return block, [*deltas, {"type": "citations_delta", "citation": citation}]


FOUND_CITATION = {
    "type": "web_search_result_location",
    "cited_text": "The grass is green.",
    "url": "https://e.x",
    "title": "E",
    "encrypted_index": "abc",
}
FOUND = {"type": "web_search_result", "url": "https://e.x", "title": "E", "encrypted_content": "abc", "page_age": None}
SEARCH: list[Block] = [
    tool("srvtoolu_fake", "web_search", {"query": "x"}, "server_tool_use"),
    ({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_fake", "content": [FOUND]}, []),
]
WEATHER = tool("toolu_fake", "get_weather", {"city": "Paris"})
CUT_CALL = tool("toolu_fake", "get_weather", '{"city": "Pa')
CONTENTS: dict[str, list[Block]] = {
    "tool": [WEATHER],
    "texttool": [text("Let me ", "look."), WEATHER],
    "paralleltools": [
        text("Both."),
        tool("toolu_fake_1", "get_weather", {"city": "Paris", "unit": "c"}),
        tool("toolu_fake_2", "get_weather", {"city": "Rome \u00e9\u4e2d"}),
        tool("toolu_fake_3", "get_time", {}),
    ],
    "badjsontool": [CUT_CALL],
    "maxtooltok": [text("abc"), CUT_CALL],
    "thinking": [thinking("Hmm, ", "let me see."), text("The ", "answer.")],
    "thinktool": [thinking("I need ", "a tool."), text("Looking."), WEATHER],
    "redacted": [({"type": "redacted_thinking", "data": "EmwKAhgBEgyREDACTED"}, []), text("The ", "answer.")],
    "json": [text('{"answer"', ': 42, "city": "Paris"}')],
    "citations": [text("The grass is "), cited(CITATION)],
    "websearch": [*SEARCH, text("Found.")],
    "pause": [text("working")],
    "interleaved": [thinking("One."), text("A. "), thinking("Two."), text("B."), WEATHER],
    "searched": [thinking("Where?"), *SEARCH, thinking("There."), text("Found "), cited(FOUND_CITATION)],
}
