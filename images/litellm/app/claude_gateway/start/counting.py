"""Which counters a container has: its own, or those of all replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_gateway.api.counts import OwnCounts

if TYPE_CHECKING:
    from pydantic import SecretStr

    from claude_gateway.api.counts import Counts


def counts_of(host: str, password: SecretStr | None) -> Counts:
    """Counters in the Valkey at `host`, which has a password; without one in this process."""
    if password is None:
        return OwnCounts()
    from claude_gateway.api.shared_counts import SharedCounts, valkey_at

    return SharedCounts(lambda address: valkey_at(address, password.get_secret_value()), host)
