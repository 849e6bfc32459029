"""A request's body: JSON by the letter (RFC 8259), within bounds, as an object."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claude_gateway.api.contract.rejection import Rejection, quoted, wrong
from claude_gateway.printable import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_NUMBER = 400
"""Digits. The largest double has 309; Python takes quadratic time for more."""
BOM = b"\xef\xbb\xbf"
STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)'
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
NOT_BRACKETS = re.compile(rb'(?:[^"\[\]{}]++|' + STRING + rb")++", re.DOTALL)
ONE_KIND = bytes.maketrans(b"{}", b"[]")
# Python's words on the left.
FAULTS = {
    "Expecting value": "a value is missing or misspelled",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing",
    "Expecting ':' delimiter": "a colon is missing after a key",
    "Expecting ',' delimiter": "a comma or a closing bracket is missing",
    "Illegal trailing comma before end of object": "there is a comma before a closing bracket",
    "Illegal trailing comma before end of array": "there is a comma before a closing bracket",
    "Unterminated string starting at": "a string does not end",
    "Invalid control character at": "a string holds a control character that is not escaped",
    "Invalid \\escape": "a string holds an unknown escape",
    "Invalid \\uXXXX escape": "a string holds a \\u that four hexadecimal digits do not follow",
    "Extra data": "something follows after the object's end",
}


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """What a body may be made of. They bound the memory that parsing takes: some 100 bytes for each value."""

    values: int = 100_000
    depth: int = 64


DEFAULT_LIMITS = JsonLimits()


def parse(raw: bytes, limits: JsonLimits = DEFAULT_LIMITS) -> dict[str, Any]:
    """The object in `raw`. Raises Rejection: 413 for more values than allowed, 400 for everything else."""
    if not raw:
        raise Rejection(400, "The body is empty: send a JSON object.")
    if raw.startswith(BOM):
        raise Rejection(400, "The body begins with a byte order mark: send JSON without it.")
    _check_values(raw, limits.values)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise Rejection(400, f"The body is not UTF-8: see the byte at position {error.start}.") from None
    reader = _Reader()
    found = reader.read(text, limits)
    _check_depth(raw, limits.depth)
    reader.refuse_faults(found)
    if SURROGATE.search(raw):
        _refuse_lone_surrogates(found)
    if not isinstance(found, dict):
        raise Rejection(400, "The body must be a JSON object.")
    return found


def _check_values(raw: bytes, most: int) -> None:
    """Each value but the first follows a comma or an opening bracket, so that these count them before they exist."""
    if len(raw) > most and _more_than(most).match(raw):
        raise Rejection(413, f"The body holds more than {most:,} JSON values.")


def _more_than(most: int) -> re.Pattern[bytes]:
    """Matches as soon as there are `most` commas and opening brackets outside of strings."""
    return re.compile(rb'(?:[^"\[{,]*+(?:' + STRING + rb'[^"\[{,]*+)*+[\[{,]){%d}' % most, re.DOTALL)


def _check_depth(raw: bytes, most: int) -> None:
    """Of JSON that has been parsed: its brackets are in pairs. Python's parser gives up at some 1,000 levels itself."""
    if raw.count(b"[") + raw.count(b"{") <= most:
        return
    brackets = NOT_BRACKETS.sub(b"", raw).translate(ONE_KIND)
    for _ in range(most):  # each turn takes away what is innermost
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise _too_deep(most)


def _too_deep(most: int) -> Rejection:
    return Rejection(400, f"The body is nested more than {most} levels deep.")


@dataclass(frozen=True, slots=True)
class _Fault:
    """Stands in the place of a value that is wrong, so that its path can be told."""

    text: str


class _Reader:
    """What Python's parser asks about constants, numbers and objects."""

    def __init__(self) -> None:
        self.faults: list[_Fault] = []

    def read(self, text: str, limits: JsonLimits) -> Any:
        try:
            found = json.loads(
                text,
                parse_constant=self._constant,
                parse_float=self._decimal,
                parse_int=self._integer,
                object_pairs_hook=self._members,
            )
        except json.JSONDecodeError as error:
            what = FAULTS.get(error.msg, "it is malformed")
            where = f"line {error.lineno}, column {error.colno}"
            raise Rejection(400, f"The body is not JSON: {what} ({where}).") from None
        except RecursionError:
            raise _too_deep(limits.depth) from None
        return found

    def refuse_faults(self, found: Any) -> None:
        """In what was `found`, the outermost: an object with a fault is not looked into. Raises Rejection."""
        if self.faults:
            raise next(wrong(path, value.text) for path, value in _values(found) if isinstance(value, _Fault))

    def _faulty(self, text: str) -> _Fault:
        self.faults.append(_Fault(text))
        return self.faults[-1]

    def _constant(self, name: str) -> Any:
        return self._faulty(f"is {name}, which is no JSON number")

    def _decimal(self, digits: str) -> Any:
        value = float(digits) if len(digits) <= LONGEST_NUMBER else math.inf
        return value if math.isfinite(value) else self._faulty("is too large a number")

    def _integer(self, digits: str) -> Any:
        return int(digits) if len(digits) <= LONGEST_NUMBER else self._faulty("is too large a number")

    def _members(self, pairs: list[tuple[str, Any]]) -> Any:
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        return self._faulty(f"has the key {quoted(twice)} more than once")


def _refuse_lone_surrogates(found: Any) -> None:
    """Pairs are common (emoji), so that all is looked at together first, at the speed of C."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        pass
    else:
        return
    for path, value in _values(found):
        for text in [value] if isinstance(value, str) else value if isinstance(value, dict) else ():
            try:
                text.encode()
            except UnicodeEncodeError:
                raise wrong(path, "holds half of a surrogate pair (\\ud800 to \\udfff)") from None


def _values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its JSON path, in order."""
    yield path, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from _values(member, f"{path}.{escaped(str(name))}" if path else escaped(str(name)))
