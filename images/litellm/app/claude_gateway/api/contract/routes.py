"""The routes that are served, and whose API each belongs to."""

from __future__ import annotations

from enum import StrEnum

from claude_gateway.dialect import Dialect

VERSION_PREFIX = "/v1"


class Route(StrEnum):
    """The model API. `MODEL` stands for all paths below `MODELS`."""

    MESSAGES = "/v1/messages"
    COUNT_TOKENS = "/v1/messages/count_tokens"
    CHAT = "/v1/chat/completions"
    RESPONSES = "/v1/responses"
    COMPLETIONS = "/v1/completions"
    MODELS = "/v1/models"
    MODEL = "/v1/models/{id}"

    @property
    def dialect(self) -> Dialect:
        """The API that the route is part of; the lists of models are part of both, and count as OpenAI's."""
        return Dialect.ANTHROPIC if self in (Route.MESSAGES, Route.COUNT_TOKENS) else Dialect.OPENAI

    @property
    def methods(self) -> tuple[str, ...]:
        return ("GET", "HEAD") if self in (Route.MODELS, Route.MODEL) else ("POST",)

    @classmethod
    def of(cls, path: str) -> tuple[Route | None, str | None]:
        """The route of `path` and the identifier in it. Clients whose base URL has no `/v1` are understood."""
        full = path if path.startswith(VERSION_PREFIX + "/") else VERSION_PREFIX + path
        identifier = full.removeprefix(cls.MODELS + "/")
        if identifier != full:
            return (cls.MODEL, identifier) if identifier else (None, None)
        return (cls(full), None) if full in _EXACT else (None, None)


_EXACT = frozenset(route.value for route in Route if route is not Route.MODEL)
