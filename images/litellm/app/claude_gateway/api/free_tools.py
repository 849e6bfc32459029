"""Free tools of responses, and the namespaces they stand in: two of these may each have one of the same name.

Claude knows no namespaces. LiteLLM puts theirs before the names of functions and leaves it off those of free tools, so
that is done here, and undone in what the model calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMED_BY_CALLER = ("function", "custom")


def full_name(space: str, name: str) -> str:
    """As Claude knows it, and as LiteLLM writes it for functions."""
    return f"{space}__{name}" if space else name


def names(tools: Any) -> dict[str, tuple[str, str]]:
    """Namespace and name of each free tool, by the name that Claude knows."""
    return {full_name(space, tool["name"]): (space, tool["name"]) for space, tool in _each(tools, ("custom",))}


def with_full_names(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The request `asked` for a response, with the names that Claude is to know."""
    made = dict(asked)
    if made.get("tools"):
        made["tools"] = [_space(tool) if tool["type"] == "namespace" else tool for tool in made["tools"]]
    if isinstance(made["input"], list):
        made["input"] = [_call(item) if item.get("type") == "custom_tool_call" else item for item in made["input"]]
    choice = made.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in NAMED_BY_CALLER:
        made["tool_choice"] = {**choice, "name": _chosen(choice["name"], asked.get("tools"))}
    return made


def _space(space: dict[str, Any]) -> dict[str, Any]:
    return {**space, "tools": [_named(tool, space["name"]) for tool in space["tools"]]}


def _named(tool: dict[str, Any], space: str) -> dict[str, Any]:
    return {**tool, "name": full_name(space, tool["name"])} if tool["type"] == "custom" else tool


def _call(item: dict[str, Any]) -> dict[str, Any]:
    """A call that the model has made before."""
    rest = {name: value for name, value in item.items() if name != "namespace"}
    return {**rest, "name": full_name(item.get("namespace") or "", item["name"])}


def _chosen(name: str, tools: Any) -> str:
    """A tool that has to be called is named without its namespace."""
    found = [space for space, tool in _each(tools, NAMED_BY_CALLER) if tool["name"] == name]
    return full_name(found[0], name) if found and "" not in found else name


def _each(tools: Any, kinds: tuple[str, ...], space: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The tools of these kinds, each with its namespace."""
    for tool in tools or ():
        if tool["type"] == "namespace":
            yield from _each(tool["tools"], kinds, tool["name"])
        elif tool["type"] in kinds:
            yield space, tool
