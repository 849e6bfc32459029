"""From the request types that the APIs' own packages ship to validators that know every field at every depth.

Made of pydantic's core schemas rather than of its model classes: the packages describe some 450 objects, and classes
for them would cost the container seconds at each start. Differences to the packages' types are data, see `Shape`.

- Objects of a union are told apart by their literal `type`, else by their `role`; those that share one are merged into
  one object with the fields of all, so that an error always names one path.
- A null in an optional field whose type has no null means that the field is not there: it is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

import typing_extensions as te
from pydantic_core import PydanticCustomError, SchemaValidator, core_schema

from claude_gateway.api.contract.types import LISTS, MAPPINGS, fields_of, is_object, literals_of, members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic_core import CoreSchema

LARGEST = 2**63 - 1
WHOLE: CoreSchema = core_schema.int_schema(ge=-LARGEST, le=LARGEST)
FROM_ONE: CoreSchema = core_schema.int_schema(ge=1, le=LARGEST)
FROM_ZERO: CoreSchema = core_schema.int_schema(ge=0, le=LARGEST)
NUMBER: CoreSchema = core_schema.float_schema(allow_inf_nan=False)
SHARE: CoreSchema = core_schema.float_schema(ge=0, le=1)
ANY: CoreSchema = core_schema.any_schema()
AN_OBJECT, A_LIST, A_STRING = "an object", "a list", "a string"
A_WHOLE, A_NUMBER, A_CHOICE = "a whole number", "a number", "true or false"
SCALARS: dict[type, tuple[str, CoreSchema]] = {
    str: (A_STRING, core_schema.str_schema()),
    int: (A_WHOLE, WHOLE),
    float: (A_NUMBER, NUMBER),
    bool: (A_CHOICE, core_schema.bool_schema()),
}
# What a JSON value may count as; the last that a union knows.
KINDS: dict[type, tuple[str, ...]] = {
    str: (A_STRING,),
    list: (A_LIST,),
    dict: (AN_OBJECT,),
    bool: (A_CHOICE,),
    int: (A_NUMBER, A_WHOLE),
    float: (A_NUMBER,),
}
DISCRIMINATORS = ("type", "role")


@dataclass(frozen=True)
class Shape:
    """How one route's request differs from the packages' types, by the name of a TypedDict.

    `fields` adds fields or replaces their types (a Python type or a core schema; what may be null may be missing);
    `refused` are objects that cannot be honoured, with the reason; `left_out` are fields that are taken off, as is the
    unknown in `open` objects.
    """

    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, frozenset[str]] = field(default_factory=dict)
    open: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Members:
    """One object, merged from the TypedDicts and models that share a discriminator."""

    names: tuple[str, ...]
    fields: Mapping[str, tuple[tuple[Any, bool], ...]]  # type and whether it is required, once for each that has it
    count: int  # of requests' objects: what an answer may lack is required all the same


class Builder:
    """Builds one validator. `known` maps each object's name to its fields, for errors and for the tests' record."""

    def __init__(self, shape: Shape, *, ignore_unknown: bool) -> None:
        self.known: dict[str, frozenset[str]] = {}
        self.definitions: dict[str, CoreSchema] = {}
        self._shape = shape
        self._extra: Literal["ignore", "forbid"] = "ignore" if ignore_unknown else "forbid"
        self._tags = 0

    def validator(self, root: CoreSchema) -> SchemaValidator:
        """For `root`, made by this builder. Validate with `strict`: no number is a string, no string a number."""
        return SchemaValidator(core_schema.definitions_schema(root, list(self.definitions.values())))

    def of(self, *kinds: Any) -> CoreSchema:
        """The schema of a Python type, or of several together; a core schema as it is. Raises TypeError for no JSON."""
        if isinstance(kinds[0], dict):
            return cast("CoreSchema", kinds[0])
        members = list(dict.fromkeys(member for kind in kinds for member in members_of(kind)))
        if not members:
            raise TypeError(f"no JSON: {kinds!r}")
        schema = self._union([member for member in members if member is not type(None)])
        return core_schema.nullable_schema(schema) if type(None) in members else schema

    def record(self, name: str, fields: Mapping[str, tuple[Any, bool]]) -> CoreSchema:
        """An object with these fields: type, and whether it is required."""
        return self._object(_Members((name,), {key: (value,) for key, value in fields.items()}, 1))

    def _union(self, members: list[Any]) -> CoreSchema:
        """Told apart by the kind of JSON value."""
        if any(member in (Any, object) for member in members):
            return ANY
        kinds: dict[str, CoreSchema] = {}
        literals = [value for member in members if te.get_origin(member) is Literal for value in te.get_args(member)]
        for scalar, (words, schema) in SCALARS.items():
            allowed = [value for value in literals if type(value) is scalar]
            if scalar in members or allowed:
                kinds[words] = schema if scalar in members else core_schema.literal_schema(allowed)
        lists = [te.get_args(member)[0] for member in members if te.get_origin(member) in LISTS]
        if lists:
            kinds[A_LIST] = core_schema.list_schema(self.of(*lists), fail_fast=True)
        free = [te.get_args(member)[1] for member in members if te.get_origin(member) in MAPPINGS]
        if free:
            kinds[AN_OBJECT] = core_schema.dict_schema(core_schema.str_schema(), self.of(*free))
        elif objects := [member for member in members if is_object(member)]:
            kinds[AN_OBJECT] = self._objects(objects)
        if not kinds:
            return core_schema.none_schema()
        return next(iter(kinds.values())) if len(kinds) == 1 else self._by_kind(kinds)

    def _by_kind(self, kinds: dict[str, CoreSchema]) -> CoreSchema:
        tags = {words: self._tag() for words in kinds}
        by_type = {python: tags[words] for python, choices in KINDS.items() for words in choices if words in tags}
        *others, last = kinds
        return core_schema.tagged_union_schema(
            {tags[words]: schema for words, schema in kinds.items()},
            lambda value: by_type.get(type(value)),
            custom_error_type="kind",
            custom_error_message="must be " + ", ".join(others) + " or " + last,
        )

    def _objects(self, objects: list[Any]) -> CoreSchema:
        """Told apart by discriminator, where there is one."""
        described = [(one, fields_of(one)) for one in objects]
        for name in DISCRIMINATORS:
            groups: dict[str, list[Any]] = {}
            untyped: list[Any] = []
            for one, fields in described:
                values, required = literals_of(fields.get(name))
                for value in values:
                    groups.setdefault(value, []).append(one)
                if not required:
                    untyped.append(one)
            if groups:
                return self._tagged(name, groups, untyped)
        return self._merged(objects)

    def _tagged(self, name: str, groups: dict[str, list[Any]], untyped: list[Any]) -> CoreSchema:
        choices: dict[int, CoreSchema] = {}
        tags: dict[Any, int] = {}
        for value, members in groups.items():
            tags[value] = self._tag()
            choices[tags[value]] = self._merged(members)
        if untyped:
            known = next((tags[value] for value, members in groups.items() if untyped[0] in members), None)
            if known is None:
                known = self._tag()
                choices[known] = self._merged(untyped)
            tags[None] = known

        def discriminate(value: Any) -> int | None:
            if not isinstance(value, dict):
                return None
            given = value.get(name)
            return tags.get(given) if given is None or isinstance(given, str) else None

        return core_schema.tagged_union_schema(
            choices,
            discriminate,
            custom_error_type="tag",
            custom_error_message="{field}",
            custom_error_context={"field": name, "known": "\n".join(groups)},
        )

    def _tag(self) -> int:
        """Negative, so that a place in an error tells it from the index of a list."""
        self._tags -= 1
        return self._tags

    def _merged(self, objects: list[Any]) -> CoreSchema:
        """A reference to the one object that all of `objects` are; it is defined when it is met first."""
        names = tuple(dict.fromkeys(one.__name__ for one in objects))
        reference = "+".join(f"{one.__module__}.{one.__name__}" for one in objects)
        reason = next((self._shape.refused[name] for name in names if name in self._shape.refused), None)
        if reason is not None:
            return core_schema.no_info_plain_validator_function(_refuse(reason))
        if reference not in self.definitions:
            self.definitions[reference] = ANY  # it may hold itself
            fields: dict[str, tuple[tuple[Any, bool], ...]] = {}
            for one in objects:
                for name, described in fields_of(one).items():
                    fields[name] = (*fields.get(name, ()), described)
            made = dict(self._object(_Members(names, fields, sum(map(te.is_typeddict, objects)))))
            self.definitions[reference] = cast("CoreSchema", {**made, "ref": reference})
        return core_schema.definition_reference_schema(reference)

    def _object(self, members: _Members) -> CoreSchema:
        fields = dict(members.fields)
        required = {name for name, kinds in fields.items() if sum(needed for _, needed in kinds) == members.count > 0}
        replaced = {key: kind for name in members.names for key, kind in self._shape.fields.get(name, {}).items()}
        left_out = frozenset().union(*(self._shape.left_out.get(name, ()) for name in members.names))
        made: dict[str, core_schema.TypedDictField] = {}
        nulls = set(left_out)
        for name in [*fields, *(name for name in replaced if name not in fields)]:
            kinds = [replaced[name]] if name in replaced else [kind for kind, _ in fields[name]]
            schema = self.of(*kinds)
            required -= {name} if name in replaced and schema["type"] == "nullable" else set()
            if name not in required and schema["type"] not in ("nullable", "any"):
                schema = core_schema.nullable_schema(schema)
                nulls.add(name)
            made[name] = core_schema.typed_dict_field(schema, required=name in required)
        self.known["+".join(members.names)] = frozenset(made)
        extra = "ignore" if self._shape.open.intersection(members.names) else self._extra
        schema = core_schema.typed_dict_schema(made, extra_behavior=extra)
        without = _without(frozenset(nulls), left_out)
        return core_schema.no_info_after_validator_function(without, schema) if nulls else schema


def refusing(reason: str, *harmless: Any) -> CoreSchema:
    """A field that is there as null at most, or as what asks for nothing."""
    return core_schema.nullable_schema(core_schema.no_info_plain_validator_function(_refuse(reason, harmless)))


def _refuse(reason: str, harmless: tuple[Any, ...] = ()) -> Callable[[Any], Any]:
    def refuse(value: Any) -> Any:
        if value not in harmless:
            raise PydanticCustomError("refused", "{reason}", {"reason": reason})
        return value

    return refuse


def _without(nulls: frozenset[str], left_out: frozenset[str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Takes off `left_out`, and those of `nulls` that are null."""

    def without_nulls(value: dict[str, Any]) -> dict[str, Any]:
        if None not in value.values():
            return value
        return {name: member for name, member in value.items() if member is not None or name not in nulls}

    def without(value: dict[str, Any]) -> dict[str, Any]:
        return without_nulls({name: member for name, member in value.items() if name not in left_out})

    return without if left_out else without_nulls
