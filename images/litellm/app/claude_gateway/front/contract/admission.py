"""A request as it may enter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from claude_gateway.front.contract.models import Models
    from claude_gateway.front.contract.routes import Route


def admit(route: Route, body: dict[str, Any], *, models: Models, drop: bool) -> dict[str, Any]:
    """The request with its upstream's model. Raises Rejection."""
    _ = route, drop
    return {**body, "model": models.resolve(body.get("model"))}
