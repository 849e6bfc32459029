"""Who may call, and how much: the operator with the master key, and the clients that the stack declares."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MASTER, METRICS = "master", "metrics"
"""Whoever calls with the master key, or with that of the metrics; no client may be called so (rules/clients.py)."""
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class ClientKey:
    """SHA-256 of a key, with its generation. `expires` (UTC) is None for a key that does not expire.

    A fast digest is enough, because the keys are 32 random bytes: there is nothing to guess from it.
    """

    digest: bytes = field(repr=False)
    generation: str
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """One client. None is no limit; `networks` narrows the addresses that the gateway lets in."""

    name: str
    keys: tuple[ClientKey, ...] = field(default=(), repr=False, compare=False)
    models: tuple[str, ...] | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_parallel: int | None = None

    def admits(self, source: str) -> bool:
        """Whether a request may come from the address `source`."""
        if self.networks is None:
            return True
        try:
            address = ip_address(source)
        except ValueError:
            return False
        return any(address in network for network in self.networks)


def parse(text: str) -> tuple[Client, ...]:
    """The clients in `text`: a JSON object by name, as components/client_keys.py makes it.

    Raises ValueError, which never quotes a digest.
    """
    try:
        return tuple(_client(name, described) for name, described in json.loads(text).items())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"is not what the program writes: {type(error).__name__}") from None


def scraper(digest: str) -> Client:
    """Who may read the metrics and nothing else, from the SHA-256 of its key. Raises ValueError."""
    try:
        return Client(METRICS, (_key(digest, "initial", None),), models=())
    except ValueError:
        raise ValueError("is not the SHA-256 of a key, in hexadecimal") from None


def _client(name: str, described: Mapping[str, Any]) -> Client:
    networks = described.get("cidrs")
    models = described.get("models")
    return Client(
        name,
        tuple(_key(*key) for key in described["keys"]),
        tuple(models) if models is not None else None,
        tuple(map(ip_network, networks)) if networks is not None else None,
        described.get("requestsPerMinute"),
        described.get("tokensPerMinute"),
        described.get("maxParallel"),
    )


def _key(digest: str, generation: str, expires: str | None) -> ClientKey:
    raw = bytes.fromhex(digest)
    if len(raw) != DIGEST_BYTES:
        raise ValueError
    return ClientKey(raw, generation, datetime.fromisoformat(expires).astimezone(UTC) if expires else None)
