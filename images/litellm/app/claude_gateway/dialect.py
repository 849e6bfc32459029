"""The two APIs that clients speak."""

from __future__ import annotations

from enum import StrEnum


class Dialect(StrEnum):
    """Whose words a client understands."""

    ANTHROPIC = "anthropic"
    OPENAI = "openai"
