"""How a decision about a field is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claude_gateway.api.contract.schema import Shape


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one top-level field.

    With a `harmless` value it asks for nothing, and is left out. With any other it passes, or is left out as well
    (`means_nothing`), or is refused because of `reason`, with `code`.
    """

    harmless: tuple[Any, ...] = ()
    means_nothing: bool = False
    reason: str | None = None
    code: str = "unsupported_parameter"

    def asks_for_nothing(self, value: Any) -> bool:
        return any(value == one and type(value) in _alike(one) for one in self.harmless)


def _alike(value: Any) -> tuple[type, ...]:
    return (int, float) if type(value) in (int, float) else (type(value),)


PASSED = Decision()
LEFT_OUT = Decision(means_nothing=True)
UNSET = -1
"""How LangChain for Node (before 1.0), and who knows vLLM, write that a setting of sampling is not made."""


def passed_but(*harmless: Any) -> Decision:
    """Passed; with one of these values it says what holds without it, and is left out."""
    return Decision(harmless)


def refused(reason: str, *harmless: Any, code: str = "unsupported_parameter") -> Decision:
    """Refused but with a harmless value; `reason` goes on from "is not supported: "."""
    return Decision(harmless, reason=reason, code=code)


@dataclass(frozen=True)
class Rules:
    """One route: the package's type of its request, which decides about types, and what is decided about each field.

    `added` are fields that clients send although the package does not know them, with their types; `headers` are fields
    of the package that the SDK sends as headers; `required` are those that a request here needs.
    """

    request: Any
    decisions: Mapping[str, Decision]
    shape: Shape
    added: Mapping[str, Any]
    required: frozenset[str]
    headers: frozenset[str] = frozenset()
