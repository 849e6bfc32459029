"""Thinking on OpenAI's routes: what a client wishes for and LiteLLM does not tell Claude, and what Claude refuses.

https://docs.anthropic.com/en/docs/build-with-claude/adaptive-thinking
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litellm.llms.anthropic.chat.transformation import AnthropicConfig
from litellm.llms.anthropic.common_utils import AnthropicModelInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDER = "anthropic"
OPENAIS_EFFORT = "medium"
"""Where a client says none."""
FEWEST_THOUGHTS = 1024
"""Tokens: the smallest budget that Anthropic takes."""
THOUGHTS = ("thinking", "redacted_thinking")


def as_asked(made: dict[str, Any], asked: Mapping[str, Any]) -> None:
    """Change `made`, LiteLLM's Messages request for the client's request `asked`, in place."""
    reasoning = asked.get("reasoning") or {}
    effort = asked.get("reasoning_effort") or reasoning.get("effort")
    if effort == "none":
        # Left out it means what the model does by itself; one that always thinks refuses the wish.
        if not AnthropicModelInfo._is_always_on_thinking_model(made["model"], PROVIDER):  # noqa: SLF001 - its own list
            made["thinking"] = {"type": "disabled"}
    elif not effort and (reasoning.get("summary") or reasoning.get("generate_summary")):
        # A summary of thoughts wants thoughts; how many of them is left to the model that knows no budget.
        made["thinking"] = AnthropicConfig.map_reasoning_effort(OPENAIS_EFFORT, made["model"], PROVIDER, PROVIDER)
    _fit_into_answer(made, asked)


def _fit_into_answer(made: dict[str, Any], asked: Mapping[str, Any]) -> None:
    """OpenAI's limit of tokens holds for thoughts, too, and what LiteLLM makes of an effort may be more than that."""
    thinking, most = made.get("thinking") or {}, made.get("max_tokens") or 0
    if asked.get("thinking") or thinking.get("budget_tokens", 0) < most:
        return
    if most > FEWEST_THOUGHTS:
        thinking["budget_tokens"] = most - 1
    else:
        made.pop("thinking", None)


def without_impossible(body: dict[str, Any]) -> dict[str, Any]:
    """`body` of Anthropic's without a budget for thinking that it would refuse.

    With a budget it wants the thoughts that led to a tool's call, which most of OpenAI's clients do not send back;
    adaptive thinking does without them. LiteLLM does the same for both with `modify_params`, which also invents
    messages and results of tools.
    """
    if (body.get("thinking") or {}).get("type") != "enabled":
        return body
    turns = [_kinds(message) for message in body["messages"] if message["role"] == "assistant"]
    if any("tool_use" in kinds for kinds in turns) and not any(kinds.intersection(THOUGHTS) for kinds in turns):
        return {name: value for name, value in body.items() if name != "thinking"}
    return body


def _kinds(message: Mapping[str, Any]) -> set[str]:
    content = message["content"]
    return {block["type"] for block in content} if isinstance(content, list) else set()
