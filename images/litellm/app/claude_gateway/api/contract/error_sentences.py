"""What pydantic found wrong, in plain words, with the JSON path, and without the client's values."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, cast

from claude_gateway.api.contract.rejection import Rejection, quoted, wrong
from claude_gateway.printable import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import CoreSchema, ErrorDetails, ValidationError

LONGEST_NAME = 64
NAMED_AT_MOST = 12
WORDS = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "finite_number": "must be a number",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "refused": "is not supported: {reason}",
    "tag": "must be an object",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "missing": "is required",
    "none_required": "must be null",
    "string_type": "must be a string",
    "string_unicode": "must be a string",
}
PATTERNS = {
    r"^(?:https://|data:[^,]*;base64,)": "must be an https: URL, or a data: URL such as data:image/png;base64,...",
    r"^https://": "must be an https: URL",
    "^medium$": 'must be "medium"; say in the prompt how long the answer should be',
    r"^[A-Za-z0-9_-]{1,128}$": "must be 1 to 128 letters, digits, underscores and hyphens",
    r"^data:[^,]*;base64,": "must be a data: URL, such as data:application/pdf;base64,...",
}
CODES = {
    "missing": "missing_required_parameter",
    "extra_forbidden": "unknown_parameter",
    "refused": "unsupported_parameter",
}


def rejection(error: ValidationError, schema: CoreSchema, definitions: Mapping[str, CoreSchema]) -> Rejection:
    """The first of the errors. `schema` is what the request was held against."""
    first = error.errors(include_url=False)[0]
    place = [part for part in first["loc"] if not is_tag(part)]
    kind = first["type"]
    code = CODES.get(kind, "invalid_type" if kind.endswith("_type") or kind == "kind" else "invalid_value")
    if kind == "tag" and isinstance(first["input"], dict):
        place.append(first["ctx"]["field"])
        return wrong(path_of(place), _wrong_tag(first), code=code)
    known = walked(schema, definitions, first["loc"][:-1] if kind == "extra_forbidden" else first["loc"])
    return wrong(path_of(place), _words(first, known), code=code)


def is_tag(part: int | str) -> bool:
    """Whether it tells which member of a union was meant, instead of a place in the JSON."""
    return isinstance(part, int) and part < 0


def path_of(place: Sequence[int | str]) -> str:
    """Such as `messages.0.content`."""
    return ".".join(escaped(str(part)[:LONGEST_NAME]) for part in place)


def unknown(name: str, known: Sequence[str]) -> str:
    """That there is no such field, and which may have been meant."""
    near = difflib.get_close_matches(name[:LONGEST_NAME], known, n=1)
    return "is not a field that is known here" + (f"; did you mean {near[0]}?" if near else "")


def _words(error: ErrorDetails, known: CoreSchema | None) -> str:
    kind, context = error["type"], cast("Mapping[str, Any]", error.get("ctx", {}))
    if kind == "extra_forbidden":
        fields = list(known["fields"]) if known is not None and known["type"] == "typed-dict" else []
        return unknown(str(error["loc"][-1]), fields)
    if kind == "kind":
        return error["msg"]
    if kind == "literal_error" and known is not None and known["type"] == "literal":
        return "must be " + _choice(known["expected"])
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(context["pattern"], "has a form that is not allowed")
    return WORDS.get(kind, "is not valid").format_map(context)


def _wrong_tag(error: ErrorDetails) -> str:
    context = error["ctx"]
    given = error["input"].get(context["field"])
    known = context["known"].split("\n")
    if given is None:
        return "is required"
    if not isinstance(given, str):
        return "must be a string"
    near = difflib.get_close_matches(given[:LONGEST_NAME], known, n=1)
    if near:
        return f"{quoted(given)} is not known here; did you mean {quoted(near[0])}?"
    return f"{quoted(given)} is not known here; it must be {_choice(known)}"


def _choice(values: Sequence[Any]) -> str:
    words = [quoted(value) if isinstance(value, str) else str(value).lower() for value in dict.fromkeys(values)]
    if len(words) > NAMED_AT_MOST:
        return "one of " + ", ".join(words[:NAMED_AT_MOST]) + ", ..."
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def walked(
    schema: CoreSchema, definitions: Mapping[str, CoreSchema], location: Sequence[int | str]
) -> CoreSchema | None:
    """The schema of what stands at an error's location, as far as it is known."""
    here: Any = schema
    for part in location:
        here = _inside(_unwrapped(here, definitions), part)
        if here is None:
            return None
    return cast("CoreSchema", _unwrapped(here, definitions))


def _unwrapped(schema: Any, definitions: Mapping[str, CoreSchema]) -> Any:
    while schema["type"] in ("definition-ref", "nullable", "function-after"):
        schema = definitions[schema["schema_ref"]] if schema["type"] == "definition-ref" else schema["schema"]
    return schema


def _inside(schema: Any, part: int | str) -> Any:
    if is_tag(part):
        return schema["choices"].get(part) if schema["type"] == "tagged-union" else None
    if schema["type"] == "typed-dict":
        found = schema["fields"].get(part)
        return found["schema"] if found else None
    return {"list": schema.get("items_schema"), "dict": schema.get("values_schema")}.get(schema["type"])


def places(error: ValidationError) -> Iterator[tuple[str, list[int | str]]]:
    """Kind and place of each error, without what tells unions apart."""
    for one in error.errors(include_url=False, include_input=False):
        yield one["type"], [part for part in one["loc"] if not is_tag(part)]
