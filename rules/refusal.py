"""How a rule between several settings says which of them is wrong."""

from pydantic_core import PydanticCustomError


def fault(key: str, message: str, example: str | None = None) -> PydanticCustomError:
    """Returns a validation error that belongs to ``key``, for a rule between several settings; ``example`` mends it."""
    return PydanticCustomError("setting", message, {"key": key, "example": example})
