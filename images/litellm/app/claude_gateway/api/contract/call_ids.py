"""Ids of tool calls. LiteLLM puts `_` for each character that Anthropic does not take in one, so two may become one."""

from __future__ import annotations

import re

from claude_gateway.api.contract.rejection import wrong

ODD = re.compile(r"[^a-zA-Z0-9_-]")  # https://docs.anthropic.com/en/api/messages#body-messages-content (tool_use, id)
TWINS = "is another call's id but for characters that Claude takes as `_`: only letters, digits, _ and - count"


class CallIds:
    """The ids of one request's calls."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def add(self, path: str, identifier: str | None) -> None:
        """Raises Rejection when there is none, or when Claude would take it for another one."""
        if identifier == "":
            raise wrong(path, "must not be empty", code="invalid_value")
        if identifier and self._known.setdefault(ODD.sub("_", identifier), identifier) != identifier:
            raise wrong(path, TWINS, code="invalid_value")
