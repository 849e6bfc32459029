"""Parameters of OpenAI's that go past LiteLLM's translation, because LiteLLM judges them by a list of its own.

LiteLLM refuses them for models that, by its price list, take none (`supports_sampling_params`,
`supports_forced_tool_use`), or asks for another kind of thinking; on /v1/messages the same request is Anthropic's to
judge, and so it is here. Of more than four stop sequences LiteLLM would lose some; Claude takes them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

UNCHANGED = ("temperature", "top_p", "top_k", "thinking")  # one name and meaning in both APIs
SEARCH = "web_search"  # the tool's name at Anthropic; OpenAI has had several
CHOICES = {"auto": "auto", "required": "any", "none": "none"}


def split(body: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What LiteLLM translates, and what is put into the Messages request beside it."""
    translated = dict(body)
    passed = {name: translated.pop(name) for name in UNCHANGED if name in translated}
    stop = translated.pop("stop", None)
    if sequences := [stop] if isinstance(stop, str) and stop else stop:
        passed["stop_sequences"] = sequences
    offered = body.get("tools") or body.get("web_search_options") is not None
    if offered and (choice := tool_choice(body)) is not None:
        translated.pop("tool_choice", None)
        translated.pop("parallel_tool_calls", None)
        passed["tool_choice"] = choice
    return translated, passed


def tool_choice(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Anthropic's tool_choice for OpenAI's; None where nothing was asked for, or for a form that LiteLLM has to judge.

    https://docs.anthropic.com/en/api/messages#body-tool-choice
    """
    asked, parallel = body.get("tool_choice"), body.get("parallel_tool_calls")
    if asked is None and parallel is not False:
        return None
    made: dict[str, Any]
    if asked is None or isinstance(asked, str):
        kind = CHOICES.get(asked or "auto")
        if kind is None:
            return None
        made = {"type": kind}
    else:
        name = asked.get("name") or (asked.get("function") or {}).get("name")
        if str(asked.get("type")).startswith(SEARCH):
            name = SEARCH
        elif asked.get("type") not in ("function", "custom") or not name:
            return None
        made = {"type": "tool", "name": name}
    if parallel is False and made["type"] != "none":
        made["disable_parallel_tool_use"] = True
    return made
