"""How a rule between several settings says which of them is wrong."""

from typing import NamedTuple

from pydantic_core import PydanticCustomError


class Refusal(NamedTuple):
    """A setting that is wrong, and what is, in words that go on from its name."""

    setting: str
    words: str
    example: str | None = None
    """A value that would be right."""
    fix: str | None = None
    """What to type, but for the stack, where the setting's own example would not help; commands between semicolons."""


def one_too_many(setting: str, words: str, typed: str | None = None) -> Refusal:
    """Returns the refusal of a setting that is wrong by being there; ``typed`` is how one item of it is named."""
    return Refusal(setting, words, fix=f"pulumi config rm {typed or setting}")


def fault(setting: str, words: str, example: str | None = None, fix: str | None = None) -> PydanticCustomError:
    """Returns a validation error of a :class:`Refusal`."""
    return PydanticCustomError("setting", words, {"key": setting, "example": example, "fix": fix})
