"""How a rule between several settings says which of them is wrong."""

from pydantic_core import PydanticCustomError


def fault(key: str, message: str, example: str | None = None) -> PydanticCustomError:
    """Returns a validation error that belongs to ``key``; ``example`` is a value that would be right."""
    return PydanticCustomError("setting", message, {"key": key, "example": example})
