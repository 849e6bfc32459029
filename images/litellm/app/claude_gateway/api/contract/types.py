"""Reading the types of the packages' request objects: TypedDicts, and models of answers that clients send back."""

from __future__ import annotations

import types
from collections import abc
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union

import typing_extensions as te
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable

LISTS = (list, abc.Iterable, abc.Sequence)
MAPPINGS = (dict, abc.Mapping)
SCALARS = (str, int, float, bool)
WRAPPERS = (te.Required, te.NotRequired, te.Annotated, te.ReadOnly)


def members_of(kind: Any) -> list[Any]:
    """The types that `kind` is a union of, without what no JSON holds (bytes, files: the packages read those)."""
    origin = te.get_origin(kind)
    if origin in WRAPPERS:
        return members_of(te.get_args(kind)[0])
    if origin in (Union, types.UnionType):
        return list(dict.fromkeys(member for part in te.get_args(kind) for member in members_of(part)))
    if isinstance(kind, TypeVar):
        return members_of(kind.__bound__ or object)
    if kind is None:
        return [type(None)]
    if kind in (Any, object, type(None)) or kind in SCALARS or is_object(kind):
        return [kind]
    return [kind] if origin in (Literal, *MAPPINGS, *LISTS) else []


def is_object(kind: Any) -> bool:
    """Whether it describes a JSON object by its fields."""
    return te.is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, BaseModel))


def fields_of(one: Any) -> dict[str, tuple[Any, bool]]:
    """Type of each field, and whether it is required. Of an answer, which clients send back, none is."""
    if te.is_typeddict(one):
        hints = te.get_type_hints(one, include_extras=True)
        return {name: (hint, _is_required(one, name, hint)) for name, hint in hints.items()}
    answered: Iterable[tuple[str, Any]] = one.model_fields.items()
    return {described.alias or name: (described.annotation, False) for name, described in answered}


def _is_required(one: Any, name: str, hint: Any) -> bool:
    """`__required_keys__` knows nothing of `Required[...]` in annotations that are strings, as the packages' are."""
    if type(None) in members_of(hint):
        return False  # OpenAI's API takes the absence of what may be null, as `strict` and `parameters` of a function
    origin = te.get_origin(hint)
    return origin is te.Required or (name in one.__required_keys__ and origin is not te.NotRequired)


def literals_of(described: tuple[Any, bool] | None) -> tuple[list[str], bool]:
    """The literal strings that a discriminator may be, and whether it has to be there."""
    if described is None:
        return [], False
    kind, required = described
    literal = [member for member in members_of(kind) if te.get_origin(member) is Literal]
    return [value for member in literal for value in te.get_args(member) if isinstance(value, str)], required
