"""How a rule between several settings says which of them is wrong."""

from pydantic_core import PydanticCustomError


def fault(key: str, message: str) -> PydanticCustomError:
    """Returns a validation error that belongs to ``key``, for a rule between several settings."""
    return PydanticCustomError("setting", message, {"key": key})
