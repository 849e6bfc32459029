"""The table of requests that go both ways: each feature on each route, by what a client would call it.

The last user message says what the fake answers (testbed/fakes/anthropic_script.py).
"""

from __future__ import annotations

import base64
from typing import Any

Body = dict[str, Any]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = base64.b64encode(b"%PDF-1.4 a report").decode()
TEXT = base64.b64encode(b"hello, file").decode()
SCHEMA: Body = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}},
    "required": ["city"],
    "additionalProperties": False,
}
ODD_SCHEMA: Body = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": "Odd",
    "$defs": {"name": {"type": ["string", "null"], "minLength": 1, "pattern": "^[\\w ]+$"}},
    "properties": {"x": {"$ref": "#/$defs/name"}, "y": {"oneOf": [{"const": 1}, {"type": "array", "items": {}}]}},
    "patternProperties": {"^x-": {"type": "integer", "maximum": 9007199254740991}},
    "dependentRequired": {"x": ["y"]},
}
ANSWER_SCHEMA: Body = {
    "type": "object",
    "properties": {"answer": {"type": "integer"}, "city": {"type": "string"}},
    "required": ["answer", "city"],
    "additionalProperties": False,
}
MINUTES: Body = {"cache_control": {"type": "ephemeral"}}
HOUR: Body = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
THOUGHT: Body = {"type": "thinking", "thinking": "I need a tool.", "signature": "EqQBCkYIBxgCKkDsig+/="}
HIDDEN: Body = {"type": "redacted_thinking", "data": "EmwKAhgBEgyREDACTED"}
OWN_TOOLS = ("Bash", "Read", "Edit", "Write", "WebSearch", "Task", "mcp__files__read", "StructuredOutput")


def says(text: str, *more: Body) -> Body:
    """A user's message: other blocks, then the text."""
    return {"role": "user", "content": [*more, {"type": "text", "text": text}] if more else text}


def tool(name: str = "get_weather", schema: Body = SCHEMA, **more: Any) -> Body:
    return {"name": name, "description": f"The tool {name}.", "input_schema": schema, **more}


def use(identifier: str = "toolu_1", name: str = "get_weather", **arguments: Any) -> Body:
    return {"type": "tool_use", "id": identifier, "name": name, "input": arguments or {"city": "Rome"}}


def result(content: Any, identifier: str = "toolu_1", **more: Any) -> Body:
    return {"type": "tool_result", "tool_use_id": identifier, "content": content, **more}


def turns(*contents: Any) -> list[Body]:
    """Messages, the user's first."""
    return [{"role": ("user", "assistant")[number % 2], "content": one} for number, one in enumerate(contents)]


def image(**more: Any) -> Body:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}, **more}


def document(source: Body, **more: Any) -> Body:
    return {"type": "document", "source": source, **more}


PDF_SOURCE: Body = {"type": "base64", "media_type": "application/pdf", "data": PDF}
TEXT_SOURCE: Body = {"type": "text", "media_type": "text/plain", "data": "The grass is green."}
FOUND: Body = {
    "type": "search_result",
    "source": "https://example.com",
    "title": "Found",
    "content": [{"type": "text", "text": "The grass is green."}],
    "citations": {"enabled": True},
}
ASKED_TOOL = [says("FAKE:tool")]
CALLED = turns("weather?", [use()], [result("warm")])

MESSAGES: dict[str, Body] = {
    "a text": {},
    "letters of many kinds": {"messages": [says("\u00e9 \u4e2d \U0001f600 \u2028 \u0000 \t FAKE:echo")]},
    "a long conversation": {"messages": turns("one", "two", "three", "four", "five")},
    "several messages of one role": {"messages": [says("one"), says("two"), *turns("three", "four", "five")]},
    "blocks of text": {"messages": turns([{"type": "text", "text": "a"}, {"type": "text", "text": " b\n"}])},
    "a system prompt": {"system": "Be brief."},
    "a system prompt of blocks": {"system": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]},
    "a tool": {"tools": [tool()], "messages": ASKED_TOOL},
    "a strict tool": {"tools": [tool(strict=True)], "messages": ASKED_TOOL},
    "a tool with an odd schema": {"tools": [tool(schema=ODD_SCHEMA)], "messages": ASKED_TOOL},
    "a tool with examples": {"tools": [tool(input_examples=[{"city": "Rome"}], eager_input_streaming=True)]},
    "a text before a call": {"tools": [tool()], "messages": [says("FAKE:texttool")]},
    "parallel calls": {"tools": [tool(), tool("get_time")], "messages": [says("FAKE:paralleltools")]},
    "no parallel calls": {
        "tools": [tool()],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        "messages": ASKED_TOOL,
    },
    "a call that was cut": {"tools": [tool()], "messages": [says("FAKE:maxtooltok")]},
    "the names of the CLI's own tools": {"tools": [tool(name) for name in OWN_TOOLS]},
    "a call of Bash": {"tools": [tool("Bash")], "messages": [says("FAKE:first_tool")]},
    "a result": {"tools": [tool()], "messages": CALLED},
    "results of parallel calls": {
        "tools": [tool()],
        "messages": turns("?", [use("a"), use("b", city="Oslo")], [result("warm", "a"), result("cold", "b")]),
    },
    "a result of blocks": {
        "tools": [tool()],
        "messages": turns("?", [use()], [result([{"type": "text", "text": "a"}, image(), document(PDF_SOURCE)])]),
    },
    "a result that is an error": {
        "tools": [tool()],
        "messages": turns("?", [use()], [result("no such city", is_error=True)]),
    },
    "an empty result": {"tools": [tool()], "messages": turns("?", [use()], [result("")])},
    "a result of found passages": {"tools": [tool()], "messages": turns("?", [use()], [result([FOUND])])},
    "a result and a text": {
        "tools": [tool()],
        "messages": turns("?", [use()], [result("warm"), {"type": "text", "text": "and?"}]),
    },
    "calls without tools": {"messages": CALLED},
    "a call that nothing answers": {"tools": [tool()], "messages": turns("?", [use()], "never mind")},
    "thinking with a budget": {
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "max_tokens": 2048,
        "messages": [says("FAKE:thinking")],
    },
    "adaptive thinking": {"thinking": {"type": "adaptive"}, "messages": [says("FAKE:thinking")]},
    "no thinking": {"thinking": {"type": "disabled"}},
    "an effort": {"output_config": {"effort": "low"}, "messages": [says("FAKE:thinking")]},
    "hidden thoughts": {"thinking": {"type": "adaptive"}, "messages": [says("FAKE:redacted")]},
    "thinking with tools": {
        "thinking": {"type": "adaptive"},
        "tools": [tool()],
        "messages": [says("FAKE:thinktool")],
    },
    "signed thoughts of a call": {
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "max_tokens": 2048,
        "tools": [tool()],
        "messages": turns("?", [THOUGHT, HIDDEN, use()], [result("warm")]),
    },
    "thoughts between texts": {
        "thinking": {"type": "adaptive"},
        "messages": turns("?", [THOUGHT, {"type": "text", "text": "a"}, HIDDEN, {"type": "text", "text": "b"}], "so?"),
    },
    "an answer by a schema": {
        "output_config": {"format": {"type": "json_schema", "schema": ANSWER_SCHEMA}},
        "messages": [says("FAKE:json")],
    },
    "a PDF": {"messages": [says("read", document(PDF_SOURCE, title="Report", context="of today"))]},
    "a text as document": {"messages": [says("read", document(TEXT_SOURCE))]},
    "a document of blocks": {
        "messages": [says("read", document({"type": "content", "content": [{"type": "text", "text": "a"}, image()]}))]
    },
    "a document by its address": {
        "messages": [says("read", document({"type": "url", "url": "https://example.com/a.pdf"}))]
    },
    "citations": {
        "messages": [says("FAKE:citations", document(TEXT_SOURCE, citations={"enabled": True}, title="Doc"))]
    },
    "found passages": {"messages": [says("FAKE:citations", FOUND)]},
    "an image": {"messages": [says("look", image())]},
    "an image by its address": {
        "messages": [says("look", {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}})]
    },
    "a prefilled answer": {"messages": turns("write", "Once upon")},
    "stop sequences": {"stop_sequences": ["END", "\n\n"], "messages": [says("FAKE:stopseq")]},
    "a temperature": {"temperature": 0.2},
    "sampling of the first": {"top_k": 5, "temperature": 0.9},
    "sampling by share": {"top_p": 0.5},
    "a tier of service": {"service_tier": "standard_only"},
    "management of the context": {
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
        "tools": [tool()],
        "messages": CALLED,
    },
    "a summary of the conversation": {"compaction": {"type": "summarize"}, "messages": turns("one", "two", "three")},
    "a look at the cache": {"diagnostics": {"previous_message_id": "msg_1"}},
    "other models for a refusal": {"fallbacks": [{"model": "haiku"}]},
    "nothing but a full cache": {"max_tokens": 0, "system": "Be brief."},
    "safeguards of Claude Code": {"safeguards": [{"type": "dangerous_tool_use", "classifier_context": {"v": 1}}]},
    "few tokens": {"max_tokens": 3, "messages": [says("FAKE:maxtok")]},
    "a refusal": {"messages": [says("FAKE:refusal")]},
    "a full window": {"messages": [says("FAKE:window")]},
    "a pause": {"messages": [says("FAKE:pause")]},
    "a search of Anthropic's": {
        "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}],
        "messages": [says("FAKE:websearch")],
    },
    "tools that are looked for": {
        "tools": [
            {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
            tool(defer_loading=True),
        ]
    },
    "tools that Anthropic has defined": {
        "tools": [
            {"type": "bash_20250124", "name": "bash"},
            {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
            {"type": "memory_20250818", "name": "memory"},
        ]
    },
    "marks of the cache in messages": {
        "messages": turns([{"type": "text", "text": "a", **MINUTES}], "b", [{"type": "text", "text": "c", **MINUTES}])
    },
    "marks of the cache in tools": {"tools": [tool(**HOUR)], "messages": [says("hi", image(**MINUTES))]},
    "a mark of the cache in results": {
        "tools": [tool()],
        "messages": turns("?", [use()], [result("warm", **MINUTES)]),
    },
    "four marks of the cache": {
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": turns(
            [{"type": "text", "text": "a", **HOUR}],
            [{"type": "text", "text": "b", **HOUR}],
            [{"type": "text", "text": "c", **MINUTES}, {"type": "text", "text": "d", **MINUTES}],
        ),
    },
    "a mark for the whole request": dict(MINUTES),
    **{
        f"the choice {choice['type']}": {"tools": [tool()], "tool_choice": choice, "messages": ASKED_TOOL}
        for choice in ({"type": "auto"}, {"type": "any"}, {"type": "tool", "name": "get_weather"}, {"type": "none"})
    },
}
