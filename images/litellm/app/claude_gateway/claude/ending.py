"""How an answer ended."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Ending:
    """Anthropic's stop reason and the tokens used, by Anthropic's names."""

    stop_reason: str
    stop_sequence: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
