"""A request as it may enter: fields that are decided, of the right types, within bounds."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic_core import ValidationError

from claude_gateway.api.contract import error_sentences as sentences
from claude_gateway.api.contract.anthropic_rules import COUNT_TOKENS_RULES, MESSAGES_RULES
from claude_gateway.api.contract.chat_rules import CHAT_RULES, COMPLETIONS_RULES
from claude_gateway.api.contract.cross_field_rules import apply_cross_field_rules
from claude_gateway.api.contract.rejection import Rejection, wrong
from claude_gateway.api.contract.responses_rules import RESPONSES_RULES
from claude_gateway.api.contract.routes import Route
from claude_gateway.api.contract.schema import Builder
from claude_gateway.api.contract.types import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import CoreSchema

    from claude_gateway.api.contract.models import Models
    from claude_gateway.api.contract.rules import Rules

RULES: Mapping[Route, Rules] = {
    Route.MESSAGES: MESSAGES_RULES,
    Route.COUNT_TOKENS: COUNT_TOKENS_RULES,
    Route.CHAT: CHAT_RULES,
    Route.RESPONSES: RESPONSES_RULES,
    Route.COMPLETIONS: COMPLETIONS_RULES,
}
MESSAGES_AT_MOST = 100_000
"""Anthropic's own limit, of messages or of items of a response's input."""
TOOLS_AT_MOST = 10_000
"""As many as Anthropic's tool search looks through (https://docs.claude.com, "Tool search tool")."""
BOUNDED = {"messages": MESSAGES_AT_MOST, "input": MESSAGES_AT_MOST, "tools": TOOLS_AT_MOST}
NEVER_EMPTY = ("messages", "input")
DROPPED_AT_MOST = 100
"""Parts of one request that `drop` leaves out one after the other."""


def admit(route: Route, body: dict[str, Any], *, models: Models, drop: bool) -> dict[str, Any]:
    """The request with the upstream's model and without what means nothing.

    Args:
        route: One that takes a request.
        body: What `json_body.parse` gave; it is not changed.
        models: The names that are known.
        drop: Leave out what is unknown or cannot be honoured, instead of refusing it (setting `dropParams`). Messages
            and their parts are never left out.

    Raises:
        Rejection: 400 with the path of what is wrong; 404 for an unknown model.
    """
    rules = RULES[route]
    upstream = models.resolve(body.get("model"))
    given = _decided(rules, {name: value for name, value in body.items() if value is not None}, drop=drop)
    _check_bounds(given)
    made = _typed(contract(route, drop=drop), given, drop=drop)
    made = {name: value for name, value in made.items() if not rules.decisions[name].means_nothing}
    made["model"] = upstream
    _resolve_other_models(made, models)
    apply_cross_field_rules(route, made)
    return made


class Contract:
    """What a route's requests are held against."""

    def __init__(self, rules: Rules, *, drop: bool) -> None:
        self.builder = Builder(rules.shape, ignore_unknown=drop)
        self.root = self.builder.record(rules.request.__name__, self._fields(rules))
        self.validator = self.builder.validator(self.root)

    @staticmethod
    def _fields(rules: Rules) -> dict[str, tuple[Any, bool]]:
        described = {name: kind for name, (kind, _) in fields_of(rules.request).items()} | dict(rules.added)
        return {
            name: (kind, name in rules.required)
            for name, kind in described.items()
            if name in rules.decisions and rules.decisions[name].reason is None
        }

    @property
    def definitions(self) -> Mapping[str, CoreSchema]:
        return self.builder.definitions


@cache
def contract(route: Route, *, drop: bool) -> Contract:
    """Made once, when it is asked for first."""
    return Contract(RULES[route], drop=drop)


def prepare(*, drop: bool) -> None:
    """Make the contracts of all routes, so that no request waits for one."""
    for route in RULES:
        contract(route, drop=drop)


def _decided(rules: Rules, given: dict[str, Any], *, drop: bool) -> dict[str, Any]:
    """Without what asks for nothing. Raises Rejection for what is unknown or cannot be honoured."""
    kept = {}
    for name, value in given.items():
        decision = rules.decisions.get(name)
        if decision is None:
            if not drop:
                raise wrong(sentences.path_of([name]), _unknown(name, rules), code="unknown_parameter")
        elif not decision.asks_for_nothing(value):
            if decision.reason is None:
                kept[name] = value  # where it means nothing its type is looked at
            elif not drop:
                raise wrong(name, f"is not supported: {decision.reason}", code=decision.code)
    return kept


def _unknown(name: str, rules: Rules) -> str:
    return "is a header, no field of the body" if name in rules.headers else sentences.unknown(name, [*rules.decisions])


def _check_bounds(given: dict[str, Any]) -> None:
    for name, most in BOUNDED.items():
        value = given.get(name)
        if isinstance(value, list) and len(value) > most:
            raise wrong(name, f"has more than {most:,} entries", status=413)
        if name in NEVER_EMPTY and value in ([], ""):
            raise wrong(name, "must not be empty", code="invalid_value")


def _typed(held: Contract, given: dict[str, Any], *, drop: bool) -> dict[str, Any]:
    for _ in range(DROPPED_AT_MOST):
        try:
            made: dict[str, Any] = held.validator.validate_python(given, strict=True)
        except ValidationError as error:
            refusal = sentences.rejection(error, held.root, held.definitions)
            if not drop:
                raise refusal from None
            given = _without_refused(given, error, refusal)
        else:
            return made
    raise Rejection(400, f"More than {DROPPED_AT_MOST} parts of the request are not supported.")


def _without_refused(given: dict[str, Any], error: ValidationError, refusal: Rejection) -> dict[str, Any]:
    """`given` without the first thing that cannot be honoured. Raises `refusal` for messages, and for what is wrong."""
    kind, place = next(sentences.places(error))
    if kind != "refused" or (place[0] != "tools" and isinstance(place[-1], int)):
        raise refusal
    place = place[:-1] if place[-1] == "type" else place  # without it the object says nothing
    changed: dict[str, Any] = _without(given, place)
    return changed


def _without(value: Any, place: list[int | str]) -> Any:
    """A copy as far as it changes."""
    first, *rest = place
    copy: Any = value.copy()
    if rest:
        copy[first] = _without(value[first], rest)
    else:
        del copy[first]
    return copy


def _resolve_other_models(made: dict[str, Any], models: Models) -> None:
    """Models that a part of the request names: Anthropic's fallbacks and its advisor tool."""
    if made.get("fallbacks") == "default":
        raise wrong("fallbacks", "must be a list of models that are served here")
    for name in ("fallbacks", "tools"):
        for index, entry in enumerate(made.get(name) or ()):
            if isinstance(entry, dict) and isinstance(entry.get("model"), str):
                entry["model"] = models.resolve(entry["model"], f"{name}.{index}.model")
