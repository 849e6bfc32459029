"""Who may come in: the current master key, and the previous one until it expires."""

from __future__ import annotations

import hmac
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from claude_gateway.start.settings import MasterKey

log = logging.getLogger(__name__)
USE_LOG_SECONDS = 60.0


class Refusal(Enum):
    """Why a request is refused; the text is what the client reads."""

    MISSING = "No API key was sent: use the header Authorization: Bearer sk-..."
    WRONG = "The API key is not valid."
    ROTATED = "The API key was rotated and the old one has expired: ask the operator for the new key."


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that may pass, with the generation of the key that it used."""

    generation: str


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Authenticator:
    """Compares what a client presents with the keys in force.

    Every comparison runs over every key, with `hmac.compare_digest`, so that the time taken says nothing about which
    key was nearly right. Both generations have the same rights.

    An expiry holds by the wall clock and by the monotonic one, as seen at the start: a clock that is set back does not
    give an old key more time.
    """

    def __init__(
        self,
        current: MasterKey,
        previous: MasterKey | None = None,
        *,
        now: Callable[[], datetime] = _utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = [key for key in (current, previous) if key is not None]
        self._now = now
        self._clock = clock
        self._deadlines = {
            key.generation: clock() + (key.expires - now()).total_seconds() for key in self._keys if key.expires
        }
        self._logged: dict[str, tuple[float, int]] = {}

    def check(self, presented: Sequence[bytes]) -> Admission | Refusal:
        """Judge the credentials of one request. It passes when any of them is a key in force."""
        if not presented:
            return Refusal.MISSING
        matches = [
            key
            for candidate in presented
            for key in self._keys
            if hmac.compare_digest(candidate, key.value.reveal().encode())
        ]
        for key in matches:
            if not self._expired(key):
                self._note_use(key.generation)
                return Admission(key.generation)
        return Refusal.ROTATED if matches else Refusal.WRONG

    def _expired(self, key: MasterKey) -> bool:
        if key.expires is None:
            return False
        return self._now() >= key.expires or self._clock() >= self._deadlines[key.generation]

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
