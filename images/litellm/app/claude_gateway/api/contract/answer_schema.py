"""The schema of an answer on OpenAI's routes, whose definitions LiteLLM puts in their places before Claude gets it."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from claude_gateway.api.contract.rejection import quoted, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST = 20_000
"""Values that a schema may have then; a few lines of definitions that name each other twice have millions."""
DEFINITIONS = ("$defs", "definitions")
PROPERTIES, REFERENCE = "properties", "$ref"
NO_REFERENCE = "\ue000$ref"
"""What a property of that name is called while LiteLLM reads the schema: it knows no other meaning of the word."""
SELF_REFERENCE = "refers to itself, which Claude does not take: say how deep it goes"


def check_schema(path: str, schema: Mapping[str, Any]) -> None:
    """Raises Rejection for references that lead nowhere, in a circle, or to too much."""
    schema = _renamed(schema, REFERENCE, NO_REFERENCE)
    known: dict[str, Any] = {}
    for node in _nodes(schema, ()):
        for name in DEFINITIONS:
            known |= node[name] if isinstance(node.get(name), dict) else {}
    sizes: dict[str, int] = {}
    named: dict[str, list[str]] = {}
    waiting: list[tuple[str, Any]] = [("", schema)]
    while waiting:
        name, definition = waiting.pop()
        if name not in named:
            nodes = list(_nodes(definition, DEFINITIONS))
            sizes[name] = sum(len(node) for node in nodes)
            named[name] = [_definition(path, node[REFERENCE], known) for node in nodes if REFERENCE in node]
            waiting += [(other, known[other]) for other in named[name]]
    try:
        for name in TopologicalSorter(named).static_order():
            sizes[name] += sum(sizes[other] for other in named[name])
    except CycleError:
        raise wrong(path, SELF_REFERENCE, code="invalid_value") from None
    if sizes[""] > MOST:
        raise wrong(path, f"has more than {MOST:,} values with its definitions in their places", code="invalid_value")


def _nodes(schema: Any, without: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Each object in it, `without` what has one of these names."""
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(member for name, member in value.items() if name not in without)
        elif isinstance(value, list):
            waiting.extend(value)


def _definition(path: str, reference: Any, known: Mapping[str, Any]) -> str:
    """Its name, as LiteLLM finds it."""
    if not isinstance(reference, str):
        raise wrong(path, "has a $ref that is no text", code="invalid_value")
    if reference == "#":
        raise wrong(path, SELF_REFERENCE, code="invalid_value")
    name = reference.rpartition("/")[2]
    if name not in known:
        raise wrong(
            path, f"has a $ref to {quoted(reference)}, which is not among its definitions", code="invalid_value"
        )
    return name


def with_names_hidden(body: Mapping[str, Any]) -> dict[str, Any]:
    """A request to either of OpenAI's APIs, as LiteLLM has to get it."""
    made = dict(body)
    for place in (("response_format", "json_schema"), ("text", "format")):
        outer = body.get(place[0]) or {}
        inner = outer.get(place[1]) or {}
        if inner.get("schema"):
            hidden = {**inner, "schema": _renamed(inner["schema"], REFERENCE, NO_REFERENCE)}
            made[place[0]] = {**outer, place[1]: hidden}
    return made


def with_names(schema: dict[str, Any]) -> dict[str, Any]:
    """What LiteLLM has made of it, as Claude gets it."""
    made: dict[str, Any] = _renamed(schema, NO_REFERENCE, REFERENCE)
    return made


def _renamed(value: Any, old: str, new: str) -> Any:
    """A copy, with another name for the properties that are called `old`."""
    if isinstance(value, list):
        return [_renamed(member, old, new) for member in value]
    if not isinstance(value, dict):
        return value
    made = {name: _renamed(member, old, new) for name, member in value.items()}
    if isinstance(made.get(PROPERTIES), dict):
        made[PROPERTIES] = {new if name == old else name: member for name, member in made[PROPERTIES].items()}
    return made
