"""When the CA wants a certificate to be renewed (RFC 9773): before its time, when it has revoked it or is about to."""

import contextlib
import json
import ssl
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from acme_keeper.certificate import Certificate

PATIENCE_SECONDS = 20
EVERY, SOONEST = 6 * 3600, 60
"""How often the CA is asked, unless it says when it wants to be asked again."""
SHARE = 24
"""A short-lived certificate has lived for this part of its time before it is renewed because the CA wants it."""
Fetch = Callable[[str], tuple[Any, float | None]]


@dataclass
class Advice:
    """What the CA at ``directory`` has said of a certificate; ``fetch`` gets JSON, and the seconds to the next time."""

    directory: str
    fetch: Fetch
    _of: str = ""
    _wanted: float | None = None
    _again: float = 0

    def wanted(self, held: Certificate, now: float) -> float | None:
        """Returns when the CA wants the certificate renewed; None where it has no opinion, or cannot be asked."""
        if held.name != self._of:
            self._of, self._wanted, self._again = held.name, None, 0
        if held.name and not now < self._again <= now + EVERY:  # a later one is of a clock that was ahead
            self._again = now + EVERY
            with contextlib.suppress(Exception):  # whatever comes back
                self._ask(held, now)  # else it is asked again, and what was known holds
        return self._wanted

    def _ask(self, held: Certificate, now: float) -> None:
        if base := self.fetch(self.directory)[0].get("renewalInfo"):
            told, seconds = self.fetch(f"{base}/{held.name}")
            # Never at once after the last one: a CA that is wrong about its own window would be asked without end.
            soonest = held.begins + min(EVERY, (held.ends - held.begins) / SHARE)
            self._wanted = max(moment(told, held.name), soonest)
            self._again = now + min(max(seconds or EVERY, SOONEST), EVERY)


def moment(told: Any, name: str) -> float:
    """Returns a time in the window that the CA has told: always the same one for a certificate, as likely as any."""
    window = told["suggestedWindow"]
    start, end = (datetime.fromisoformat(window[side]).timestamp() for side in ("start", "end"))
    return start + (end - start) * (sum(name.encode()) % 100) / 100


def over_https(trusted: Path) -> Fetch:
    """Returns what asks by the way out that the environment names, and believes those who are ``trusted``."""

    def fetch(url: str) -> tuple[Any, float | None]:
        if not url.startswith("https://"):
            raise ValueError(url)
        context = ssl.create_default_context(cafile=str(trusted))
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS, context=context) as answer:  # noqa: S310 - https
            again = answer.headers.get("retry-after") or ""
            return json.loads(answer.read(100_000)), float(again) if again.isdecimal() else None

    return fetch
