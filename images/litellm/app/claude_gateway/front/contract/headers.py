"""Which request headers mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def request_betas(headers: Sequence[tuple[bytes, bytes]], *, drop: bool) -> list[str]:
    """The beta features that the client asks for, in order."""
    _ = drop
    given = [value.decode("latin-1") for name, value in headers if name == b"anthropic-beta"]
    return list(dict.fromkeys(beta.strip() for value in given for beta in value.split(",") if beta.strip()))
