"""Who may come in: the master key, the previous one until it expires, and the keys of the stack's clients."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from claude_gateway.config.clients import MASTER, Client, ClientKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from claude_gateway.config.settings import MasterKey

log = logging.getLogger(__name__)
USE_LOG_SECONDS = 60.0
OPERATOR = Client(MASTER)


class Refusal(Enum):
    """Why a request is refused; the text is what the client reads."""

    MISSING = "No API key was sent: use the header Authorization: Bearer sk-..."
    WRONG = "The API key is not valid."
    ROTATED = "The API key was rotated and the old one has expired: ask the operator for the new key."
    EXPIRED = "The API key has expired: ask the operator for a new one."


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that may pass: whose it is, and of which generation the key is that it used."""

    generation: str
    client: Client = OPERATOR


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Authenticator:
    """Looks up the SHA-256 of what a client presents among those of the keys in force.

    The time that this takes depends neither on how many keys there are, nor on which one was nearly right: whoever
    guesses cannot choose the digest. Both generations of a key have the same rights.

    An expiry holds by the wall clock and by the monotonic one, as seen at the start: a clock that is set back does not
    give an old key more time.
    """

    def __init__(
        self,
        current: MasterKey,
        previous: MasterKey | None = None,
        clients: Iterable[Client] = (),
        *,
        now: Callable[[], datetime] = _utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._clock = clock
        holders = (*clients, operator(current, previous))
        self._keys = {key.digest: (client, key) for client in holders for key in client.keys}
        self._deadlines = {
            digest: clock() + (key.expires - now()).total_seconds()
            for digest, (_, key) in self._keys.items()
            if key.expires
        }
        self._logged: dict[str, tuple[float, int]] = {}

    def check(self, presented: Sequence[bytes]) -> Admission | Refusal:
        """Judge the credentials of one request. It passes when any of them is a key in force."""
        if not presented:
            return Refusal.MISSING
        digests = [hashlib.sha256(candidate).digest() for candidate in presented]
        matches = [self._keys[digest] for digest in digests if digest in self._keys]
        for client, key in matches:
            if not self._expired(key):
                if client.name == MASTER:
                    self._note_use(key.generation)
                return Admission(key.generation, client)
        if not matches:
            return Refusal.WRONG
        return Refusal.ROTATED if matches[0][0].name == MASTER else Refusal.EXPIRED

    def _expired(self, key: ClientKey) -> bool:
        if key.expires is None:
            return False
        return self._now() >= key.expires or self._clock() >= self._deadlines[key.digest]

    def _note_use(self, generation: str) -> None:
        """Log that a generation is in use, at most once a minute for each, so that operators see who lags behind."""
        at = self._clock()
        last, unlogged = self._logged.get(generation, (float("-inf"), 0))
        if at - last >= USE_LOG_SECONDS:
            log.info(
                "master key of generation %s in use (%d requests since the last such line)", generation, unlogged + 1
            )
            self._logged[generation] = (at, 0)
        else:
            self._logged[generation] = (last, unlogged + 1)


def operator(current: MasterKey, previous: MasterKey | None) -> Client:
    """Who holds the master key, and the previous one."""
    return Client(MASTER, tuple(_digested(key) for key in (previous, current) if key is not None))


def _digested(key: MasterKey) -> ClientKey:
    return ClientKey(hashlib.sha256(key.value.get_secret_value().encode()).digest(), key.generation, key.expires)


SCHEMES = (b"bearer", b"token")  # some clients say them twice, or in x-api-key


def presented_keys(headers: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """The credentials of a request: `Authorization: Bearer KEY` (OpenAI) and `x-api-key: KEY` (Anthropic).

    Some clients send both, with somebody else's in one of them. A malformed one counts as presented, so that it is
    refused as wrong and never as an internal error.
    """
    found = [_without_scheme(value) for name, value in headers if name.lower() in (b"authorization", b"x-api-key")]
    return [value for value in found if value]


def _without_scheme(value: bytes) -> bytes:
    words = value.split()
    while words and words[0].lower() in SCHEMES:
        words = words[1:]
    return b" ".join(words)
