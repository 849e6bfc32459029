"""What is decided about several fields together, and about the forms that LiteLLM would lose without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claude_gateway.front.contract.rejection import wrong
from claude_gateway.front.contract.routes import Route

if TYPE_CHECKING:
    from collections.abc import Callable

NO_CALL = "has no function_call in the input; send it too, because no response is kept here"
NO_FILES = "is not supported: files do not reach Claude as results of tools; send them in a message"
CALLS = ("function_call", "custom_tool_call")
OUTPUTS = ("function_call_output", "custom_tool_call_output")


def finish(route: Route, made: dict[str, Any]) -> None:
    """Change `made`, which has the right types, in place. Raises Rejection."""
    if route in _FINISH:
        _FINISH[route](made)


def _without_orphans(made: dict[str, Any]) -> None:
    """Fields that mean nothing without another one, and one of two names for the same."""
    if not made.get("tools"):
        made.pop("parallel_tool_calls", None)
        if made.get("tool_choice") in ("none", "auto"):
            del made["tool_choice"]
    if not made.get("stream"):
        made.pop("stream_options", None)
    if "max_completion_tokens" in made:
        made.pop("max_tokens", None)


def _chat(made: dict[str, Any]) -> None:
    _without_orphans(made)
    for message in made["messages"]:
        if message["role"] == "assistant":
            refusal = message.pop("refusal", None)
            if refusal and not message.get("content"):
                message["content"] = refusal
            _say_refusals(message.get("content"), "text")


def _responses(made: dict[str, Any]) -> None:
    _without_orphans(made)
    if isinstance(made["input"], str):
        return
    calls = {item.get("call_id") for item in made["input"] if item.get("type") in CALLS}
    for index, item in enumerate(made["input"]):
        _say_refusals(item.get("content"), "output_text")
        if item.get("type") in OUTPUTS:
            if item.get("call_id") not in calls:
                raise wrong(f"input.{index}.call_id", NO_CALL)
            _refuse_files(f"input.{index}.output", item["output"])


def _say_refusals(content: Any, kind: str) -> None:
    """What the model said when it refused is text like any other to Claude; LiteLLM leaves it out."""
    for part in content if isinstance(content, list) else ():
        if part.get("type") == "refusal":
            part["type"], part["text"] = kind, part.pop("refusal")


def _refuse_files(path: str, output: Any) -> None:
    for index, part in enumerate(output if isinstance(output, list) else ()):
        if part["type"] == "input_file":
            raise wrong(f"{path}.{index}", NO_FILES, code="unsupported_parameter")


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
    if not isinstance(prompt, str) or not prompt:
        raise wrong("prompt", "must be a string that is not empty", code="invalid_type")
    made["prompt"] = prompt


_FINISH: dict[Route, Callable[[dict[str, Any]], None]] = {
    Route.CHAT: _chat,
    Route.RESPONSES: _responses,
    Route.COMPLETIONS: _completions,
}
