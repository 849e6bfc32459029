"""The same for OpenAI's two routes."""

from __future__ import annotations

from typing import Any

from tests.conformance.parity_cases import (
    ANSWER_SCHEMA,
    HIDDEN,
    MINUTES,
    ODD_SCHEMA,
    PDF,
    PIXEL,
    SCHEMA,
    TEXT,
    THOUGHT,
    Body,
    turns,
)

IMAGE = f"data:image/png;base64,{PIXEL}"
PAGE = f"data:application/pdf;base64,{PDF}"
ADDRESS = "https://example.com/a.png"


def function(name: str = "get_weather", schema: Body = SCHEMA, **more: Any) -> Body:
    return {"name": name, "description": f"The tool {name}.", "parameters": schema, **more}


def tools(*functions: Body, **beside: Any) -> list[Body]:
    return [{"type": "function", "function": one, **beside} for one in functions or (function(),)]


def call(identifier: str = "call_1", arguments: str = '{"city": "Rome"}') -> Body:
    return {"id": identifier, "type": "function", "function": {"name": "get_weather", "arguments": arguments}}


def calls(*made: Body, **more: Any) -> Body:
    return {"role": "assistant", "content": None, "tool_calls": list(made or (call(),)), **more}


def seen(content: Any = "warm", identifier: str = "call_1", **more: Any) -> Body:
    return {"role": "tool", "tool_call_id": identifier, "content": content, **more}


def user(*parts: Any) -> Body:
    return {"role": "user", "content": parts[0] if isinstance(parts[0], str) else list(parts)}


def text(words: str, **more: Any) -> Body:
    return {"type": "text", "text": words, **more}


USER = user("hi")
FORMAT: Body = {"name": "answer", "schema": ANSWER_SCHEMA, "strict": True}
CHOICES: dict[str, Any] = {
    "auto": "auto",
    "required": "required",
    "none": "none",
    "one": {"type": "function", "function": {"name": "get_weather"}},
}
CHAT: dict[str, Body] = {
    "a text": {},
    "a system prompt": {"messages": [{"role": "system", "content": "Be brief."}, USER]},
    "system prompts": {
        "messages": [{"role": "system", "content": "Be"}, {"role": "developer", "content": [text("brief.")]}, USER]
    },
    "a long conversation": {"messages": turns("one", "two", "three", "four", "five")},
    "a tool": {"tools": tools(), "messages": [user("FAKE:tool")]},
    "a strict tool": {"tools": tools(function(strict=True)), "messages": [user("FAKE:tool")]},
    "a tool with an odd schema": {"tools": tools(function(schema=ODD_SCHEMA)), "messages": [user("FAKE:tool")]},
    "a tool without parameters": {"tools": tools({"name": "now"}), "messages": [user("FAKE:first_tool")]},
    "parallel calls": {"tools": tools(function(), function("get_time")), "messages": [user("FAKE:paralleltools")]},
    "no parallel calls": {"tools": tools(), "parallel_tool_calls": False, "messages": [user("FAKE:texttool")]},
    "a result": {"tools": tools(), "messages": [USER, calls(), seen()]},
    "results of parallel calls": {
        "tools": tools(),
        "messages": [USER, calls(call(), call("call_2")), seen(), seen("cold", "call_2")],
    },
    "a result of parts": {
        "tools": tools(),
        "messages": [USER, calls(), seen([text("a"), {"type": "image_url", "image_url": {"url": IMAGE}}])],
    },
    "a result that is empty": {"tools": tools(), "messages": [USER, calls(), seen("")]},
    "a text and a call": {"tools": tools(), "messages": [USER, calls(content="Let me look."), seen()]},
    "calls without tools": {"messages": [USER, calls(), seen()]},
    "an empty list of calls": {"messages": [USER, {"role": "assistant", "content": "a", "tool_calls": []}, USER]},
    "an effort of reasoning": {"reasoning_effort": "low", "messages": [user("FAKE:thinking")]},
    "thinking with a budget": {
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "max_tokens": 2048,
        "messages": [user("FAKE:thinking")],
    },
    "adaptive thinking": {"thinking": {"type": "adaptive"}, "messages": [user("FAKE:redacted")]},
    "thinking with tools": {"reasoning_effort": "low", "tools": tools(), "messages": [user("FAKE:thinktool")]},
    "signed thoughts of a call": {
        "reasoning_effort": "low",
        "tools": tools(),
        "messages": [USER, calls(thinking_blocks=[THOUGHT, HIDDEN], reasoning_content="I need a tool."), seen()],
    },
    "thoughts that the client lost": {
        "reasoning_effort": "low",
        "tools": tools(),
        "messages": [USER, calls(), seen()],
    },
    "an answer by a schema": {
        "response_format": {"type": "json_schema", "json_schema": FORMAT},
        "messages": [user("FAKE:json")],
    },
    "an image": {"messages": [user(text("look"), {"type": "image_url", "image_url": {"url": IMAGE}})]},
    "an image by its address": {"messages": [user({"type": "image_url", "image_url": {"url": ADDRESS}})]},
    "a PDF": {"messages": [user({"type": "file", "file": {"filename": "a.pdf", "file_data": PAGE}}, text("read"))]},
    "a text as file": {
        "messages": [user({"type": "file", "file": {"file_data": f"data:text/plain;base64,{TEXT}"}}, text("read"))]
    },
    "citations in the answer": {"messages": [user("FAKE:citations")]},
    "a prefilled answer": {"messages": turns("write", "Once upon")},
    "stop sequences": {"stop": ["END"], "messages": [user("FAKE:stopseq")]},
    "many stop sequences": {"stop": list("abcdef")},
    "thoughts between texts": {"reasoning_effort": "low", "tools": tools(), "messages": [user("FAKE:interleaved")]},
    "sampling": {"temperature": 0.2, "top_k": 5, "max_tokens": 9},
    "few tokens": {"max_completion_tokens": 3, "messages": [user("FAKE:maxtok")]},
    "a refusal": {"messages": [user("FAKE:refusal")]},
    "marks of the cache": {
        "messages": [
            {"role": "system", "content": [text("Be brief.")]},
            user(text("a", **MINUTES), text("b")),
            {"role": "assistant", "content": "c"},
            user(text("d", **MINUTES)),
        ]
    },
    "a mark of the cache in tools": {"tools": tools(**MINUTES), "messages": [USER, calls(), seen(**MINUTES)]},
    **{
        f"the choice {name}": {"tools": tools(), "tool_choice": choice, "messages": [user("FAKE:tool")]}
        for name, choice in CHOICES.items()
    },
}


def flat(*functions: Body, **beside: Any) -> list[Body]:
    """Tools as the Responses API has them."""
    return [{"type": "function", **one, **beside} for one in functions or (function(),)]


def called(identifier: str = "call_1") -> Body:
    return {"type": "function_call", "call_id": identifier, "name": "get_weather", "arguments": '{"city": "Rome"}'}


def output(content: Any = "warm", identifier: str = "call_1") -> Body:
    return {"type": "function_call_output", "call_id": identifier, "output": content}


def said(words: str) -> Body:
    content = [{"type": "output_text", "text": words, "annotations": []}]
    return {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": content}


def part(words: str, **more: Any) -> Body:
    return {"type": "input_text", "text": words, **more}


REASONED: Body = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "I need a tool."}],
    "encrypted_content": '[{"type":"thinking","thinking":"I need a tool.","signature":"EqQBCkYIBxgCKkDsig+/="}]',
}
LOW: Body = {"effort": "low"}
RESPONSES: dict[str, Body] = {
    "a text": {},
    "instructions": {"instructions": "Be brief."},
    "instructions and a developer": {"instructions": "Be", "input": [{"role": "developer", "content": "brief."}, USER]},
    "a long conversation": {"input": [USER, said("two"), user("three"), said("four"), user("five")]},
    "a tool": {"tools": flat(), "input": "FAKE:tool"},
    "a strict tool": {"tools": flat(function(strict=True)), "input": "FAKE:tool"},
    "a tool with an odd schema": {"tools": flat(function(schema=ODD_SCHEMA)), "input": "FAKE:tool"},
    "a free tool": {"tools": [{"type": "custom", "name": "patch", "description": "Patches."}], "input": "FAKE:tool"},
    "parallel calls": {"tools": flat(function(), function("get_time")), "input": "FAKE:paralleltools"},
    "no parallel calls": {"tools": flat(), "parallel_tool_calls": False, "input": "FAKE:texttool"},
    "a result": {"tools": flat(), "input": [USER, called(), output()]},
    "results of parallel calls": {
        "tools": flat(),
        "input": [USER, called(), called("call_2"), output(), output("cold", "call_2")],
    },
    "a result of parts": {
        "tools": flat(),
        "input": [USER, called(), output([part("a"), {"type": "input_image", "image_url": IMAGE}])],
    },
    "a result of texts and a file": {
        "tools": flat(),
        "input": [USER, called(), output([part("a"), part("b", **MINUTES), {"type": "input_file", "file_data": PAGE}])],
    },
    "a text and a call": {"tools": flat(), "input": [USER, said("Let me look."), called(), output()]},
    "calls without tools": {"input": [USER, called(), output()]},
    "reasoning": {"reasoning": LOW, "input": "FAKE:thinking"},
    "a summary of reasoning": {"reasoning": {"summary": "auto"}, "input": "FAKE:thinking"},
    "hidden thoughts": {"reasoning": LOW, "input": "FAKE:redacted"},
    "reasoning with tools": {"reasoning": LOW, "tools": flat(), "input": "FAKE:thinktool"},
    "signed thoughts of a call": {
        "reasoning": LOW,
        "tools": flat(),
        "input": [USER, REASONED, called(), output()],
    },
    "thoughts that the client lost": {"reasoning": LOW, "tools": flat(), "input": [USER, called(), output()]},
    "thoughts between texts": {"reasoning": LOW, "tools": flat(), "input": "FAKE:interleaved"},
    "thoughts around a search": {"reasoning": LOW, "tools": [{"type": "web_search"}], "input": "FAKE:searched"},
    "an answer by a schema": {"text": {"format": {"type": "json_schema", **FORMAT}}, "input": "FAKE:json"},
    "an image": {"input": [user(part("look"), {"type": "input_image", "image_url": IMAGE, "detail": "auto"})]},
    "an image by its address": {"input": [user({"type": "input_image", "image_url": ADDRESS})]},
    "a PDF": {"input": [user({"type": "input_file", "filename": "a.pdf", "file_data": PAGE}, part("read"))]},
    "a document by its address": {"input": [user({"type": "input_file", "file_url": "https://example.com/a.pdf"})]},
    "citations in the answer": {"input": "FAKE:citations"},
    "sampling": {"temperature": 0.2, "max_output_tokens": 9},
    "few tokens": {"max_output_tokens": 3, "input": "FAKE:maxtok"},
    "a refusal": {"input": "FAKE:refusal"},
    "a search": {"tools": [{"type": "web_search", "search_context_size": "low"}], "input": "FAKE:websearch"},
    "marks of the cache": {"input": [user(part("a", **MINUTES), part("b", **MINUTES))]},
    "the choice required": {"tools": flat(), "tool_choice": "required", "input": "FAKE:tool"},
    "the choice one": {
        "tools": flat(),
        "tool_choice": {"type": "function", "name": "get_weather"},
        "input": "FAKE:tool",
    },
}
