"""What is decided about several fields together, and about the forms that LiteLLM would lose without a word."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from claude_gateway.api.contract import json_body
from claude_gateway.api.contract.answer_schema import check_schema
from claude_gateway.api.contract.cache_marks import place_mark
from claude_gateway.api.contract.call_ids import CallIds
from claude_gateway.api.contract.part_rules import check_parts
from claude_gateway.api.contract.rejection import Rejection, wrong
from claude_gateway.api.contract.routes import Route

if TYPE_CHECKING:
    from collections.abc import Callable

NO_CALL = "has no function_call in the input; send it too, because no response is kept here"
CALLS = ("function_call", "custom_tool_call")
MADE_BY_ANTHROPIC = ("web_search_call", "mcp_call")
NOTHING_SAID = "must say something"
NOTHING_ASKED = "must hold a message of the user"
NEVER_ASKED = 'must be "never": the server is asked without an approval here'
NO_TOOLS = "asks for a call of a tool, and there are no tools"
TEXTS = ("text", "input_text", "output_text")
OPERATORS = ("system", "developer")
SPEAKERS = ("user", "assistant", *OPERATORS)
HELD_BESIDE = ("tool_calls", "thinking_blocks", "provider_specific_fields")
OUTPUTS = ("function_call_output", "custom_tool_call_output")


def apply_cross_field_rules(route: Route, made: dict[str, Any]) -> None:
    """Change `made`, which has the right types, in place. Raises Rejection."""
    if route in _BY_ROUTE:
        _BY_ROUTE[route](made)


def _without_orphans(made: dict[str, Any]) -> None:
    """Fields that mean nothing without another one or by themselves, and one of two names for the same."""
    if not _without_blanks(made.get("instructions")):
        made.pop("instructions", None)
    if not made.get("tools") and "web_search_options" not in made:
        made.pop("parallel_tool_calls", None)
        if made.get("tool_choice") in ("none", "auto"):
            del made["tool_choice"]
        if "tool_choice" in made:
            raise wrong("tool_choice", NO_TOOLS, code="invalid_value")
    if not made.get("stream"):
        made.pop("stream_options", None)
    if "max_completion_tokens" in made:
        made.pop("max_tokens", None)


def _messages(made: dict[str, Any]) -> None:
    if "output_format" in made and (made.get("output_config") or {}).get("format"):
        raise wrong(
            "output_format", "is the first name of output_config.format: send one of them", code="invalid_value"
        )


def _refuse_json_unsaid(path: str, wish: Any, *said: Any) -> None:
    """OpenAI's own rule, for the same reason: nothing else tells the model."""
    if (wish or {}).get("type") == "json_object" and "json" not in json.dumps(said).lower():
        raise wrong(path, "json_object wants a prompt with the word JSON in it", code="invalid_value")


def _chat(made: dict[str, Any]) -> None:
    _without_orphans(made)
    form = made.get("response_format") or {}
    if form.get("type") == "json_schema":
        if not form["json_schema"].get("schema"):
            raise wrong("response_format.json_schema.schema", "is required", code="missing_required_parameter")
        check_schema("response_format.json_schema.schema", form["json_schema"]["schema"])
    _refuse_json_unsaid("response_format", form, made["messages"])
    ids = CallIds()
    for index, message in enumerate(made["messages"]):
        check_parts(f"messages.{index}.content", message.get("content"))
        if message["role"] == "assistant":
            refusal = message.pop("refusal", None)
            if refusal and not message.get("content"):
                message["content"] = refusal
            _say_refusals(message.get("content"), "text")
            _find_thoughts(message)
            if message.get("tool_calls") == []:
                del message["tool_calls"]  # LiteLLM would take it for a call, and offer a tool of its own
            for number, call in enumerate(message.get("tool_calls") or ()):
                path = f"messages.{index}.tool_calls.{number}"
                ids.add(f"{path}.id", call.get("id"))
                _object_arguments(call["function"])
    made["messages"] = _spoken(made["messages"], "messages")
    for message in made["messages"]:
        place_mark(message)


def _check_servers_tools(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that Claude is offered: a search that asks nobody outside is OpenAI's own, and not the other."""
    check_parts("tools", tools)
    for index, tool in enumerate(tools):
        if tool["type"] == "mcp" and tool.pop("require_approval", None) is None:  # OpenAI asks then, before each call
            raise wrong(f"tools.{index}.require_approval", NEVER_ASKED, code="missing_required_parameter")
    return [tool for tool in tools if tool.pop("external_web_access", None) is not False]


def _responses(made: dict[str, Any]) -> None:
    if made.get("tools"):
        made["tools"] = _check_servers_tools(made["tools"])
    _without_orphans(made)
    form = (made.get("text") or {}).get("format") or {}
    check_schema("text.format.schema", form.get("schema") or {})
    _refuse_json_unsaid("text.format", form, made["input"], made.get("instructions"))
    if isinstance(made["input"], str):
        if not made["input"].strip():
            raise wrong("input", NOTHING_SAID, code="invalid_value")
        return
    calls = {item.get("call_id") for item in made["input"] if item.get("type") in CALLS}
    ids = CallIds()
    for index, item in enumerate(made["input"]):
        check_parts(f"input.{index}.content", item.get("content"))
        check_parts(f"input.{index}.output", item.get("output"))
        _say_refusals(item.get("content"), "output_text")
        if item.get("type") in CALLS:
            ids.add(f"input.{index}.call_id", item.get("call_id"))
        if item.get("type") == "function_call":
            _object_arguments(item)
        if item.get("type") in OUTPUTS:
            if item.get("call_id") not in calls:
                raise wrong(f"input.{index}.call_id", NO_CALL)
            if isinstance(item["output"], list):
                item["output"] = _without_blanks(item["output"]) or ""
    # What was found there stands in the answer; LiteLLM would put the search into the mouth of the model.
    made["input"] = _spoken([item for item in made["input"] if item.get("type") not in MADE_BY_ANTHROPIC], "input")


def _find_thoughts(message: dict[str, Any]) -> None:
    """LiteLLM gives thinking blocks in two places, streamed ones in pieces; it takes them in one place, and whole.

    Clients may have them beside a text.
    """
    content = message.get("content")
    beside = [part.pop("thinking_blocks", None) for part in (content if isinstance(content, list) else ())]
    given = (
        message.get("thinking_blocks")
        or (message.get("provider_specific_fields") or {}).get("thinking_blocks")
        or next(filter(None, beside), None)
    )
    if not given:
        return
    blocks: list[dict[str, Any]] = []
    texts: list[list[str]] = []
    for piece in given:
        if blocks and blocks[-1].get("type") == piece.get("type") == "thinking" and not blocks[-1].get("signature"):
            blocks[-1] = {**blocks[-1], **piece}
            texts[-1].append(piece.get("thinking") or "")
        else:
            blocks.append(piece)
            texts.append([piece.get("thinking") or ""])
    for block, pieces in zip(blocks, texts, strict=True):
        if len(pieces) > 1:
            block["thinking"] = "".join(pieces)
    message["thinking_blocks"] = blocks


def _object_arguments(call: dict[str, Any]) -> None:
    """Anthropic has them as an object, not as a text; none at all is an empty one.

    What the model had begun when its answer was cut off is none, and clients send it back: it goes in an object, as in
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
    """
    given = (call.get("arguments") or "").strip() or "{}"
    try:
        json_body.parse(given.encode())
    except Rejection:
        given = json.dumps({"INVALID_JSON": given}, ensure_ascii=False)
    call["arguments"] = given


def _spoken(messages: list[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    """Without texts that say nothing, for which LiteLLM would put words of its own; Anthropic refuses them.

    An assistant's turn that holds nothing at all goes, as does what the operator says; a user's is refused.
    """
    kept = []
    for index, message in enumerate(messages):
        role = message.get("role")
        if role in SPEAKERS and "content" in message:
            content = _without_blanks(message["content"])
            if content:
                message["content"] = content
            elif role == "user":
                raise wrong(f"{path}.{index}.content", NOTHING_SAID, code="invalid_value")
            elif role != "assistant" or not any(message.get(name) for name in HELD_BESIDE):
                continue
            else:
                message["content"] = None
        elif role == "tool" and isinstance(message["content"], list):
            message["content"] = _without_blanks(message["content"]) or ""
        kept.append(message)
    if all(message.get("role") in OPERATORS for message in kept):
        raise wrong(path, NOTHING_ASKED, code="invalid_value")
    return kept


def _without_blanks(content: Any) -> Any:
    """Without blank texts; None for a blank text."""
    if isinstance(content, list):
        return [part for part in content if part.get("type") not in TEXTS or part["text"].strip()]
    return content if isinstance(content, str) and content.strip() else None


def _say_refusals(content: Any, kind: str) -> None:
    """What the model said when it refused is text like any other to Claude; LiteLLM leaves it out."""
    for part in content if isinstance(content, list) else ():
        if part.get("type") == "refusal":
            part["type"], part["text"] = kind, part.pop("refusal")


def _completions(made: dict[str, Any]) -> None:
    """The prompt is one text."""
    _without_orphans(made)
    prompt = made["prompt"]
    if isinstance(prompt, list) and prompt:
        if not all(isinstance(one, str) for one in prompt):
            raise wrong("prompt", "is not supported as tokens: send one text", code="unsupported_parameter")
        if len(prompt) > 1:
            raise wrong("prompt", "is not supported as several prompts: send one text", code="unsupported_parameter")
        prompt = prompt[0]
    if not isinstance(prompt, str) or not prompt.strip():
        raise wrong("prompt", "must be a string that is not empty", code="invalid_type")
    made["prompt"] = prompt


_BY_ROUTE: dict[Route, Callable[[dict[str, Any]], None]] = {
    Route.MESSAGES: _messages,
    Route.CHAT: _chat,
    Route.RESPONSES: _responses,
    Route.COMPLETIONS: _completions,
}
