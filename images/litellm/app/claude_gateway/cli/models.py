"""What the CLI does otherwise for some models, where that would change a request (CLI 2.1.332).

Both lists are of the past: for models that the CLI does not know yet it does neither. tests/unit/litellm_image holds
them against the CLI itself.
"""

from __future__ import annotations

import re

_END = r"(?:-(?:\d{8}|latest))?(?:\[1m\])?$"
_ADDS_TEMPERATURE = re.compile(rf"claude-(?:[23]-|(?:opus|sonnet|haiku)-4(?:-[0-6])?{_END})")
_WITHOUT_EFFORT = re.compile(rf"claude-(?:[23]-|(?:opus|sonnet)-4(?:-[01])?{_END}|(?:sonnet|haiku)-4-5{_END})")


def adds_temperature(model: str) -> bool:
    """Whether the CLI sends `temperature: 1` of its own, which Anthropic refuses beside `top_p`."""
    return _ADDS_TEMPERATURE.match(model) is not None


def has_effort(model: str) -> bool:
    """Whether the model knows an effort; for others the CLI drops it, where Anthropic itself would refuse it."""
    return _WITHOUT_EFFORT.match(model) is None
