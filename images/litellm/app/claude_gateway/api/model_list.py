"""/v1/models and /v1/models/{id}, in the dialect of who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claude_gateway.dialect import Dialect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_gateway.api.contract import Models

# Neither API's clients use it for anything; the true one is not known here.
CREATED, CREATED_AT = 1704067200, "2024-01-01T00:00:00Z"


def model_answer(models: Models, dialect: Dialect, identifier: str | None) -> dict[str, Any]:
    """All models, or the one named. Raises Rejection (404)."""
    if identifier is not None:
        models.resolve(identifier)
        return _model(identifier, dialect)
    names: Sequence[str] = models.listing()
    data = [_model(name, dialect) for name in names]
    if dialect is Dialect.ANTHROPIC:
        first, last = (names[0], names[-1]) if names else (None, None)  # as Anthropic's SDKs type them
        return {"data": data, "has_more": False, "first_id": first, "last_id": last}
    return {"object": "list", "data": data}


def _model(name: str, dialect: Dialect) -> dict[str, Any]:
    if dialect is Dialect.ANTHROPIC:
        # Anthropic's SDKs type the last as one that is always there; what is served may be used.
        return {"type": "model", "id": name, "display_name": name, "created_at": CREATED_AT, "lifecycle": "active"}
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "anthropic"}
