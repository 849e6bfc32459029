"""The loop: a certificate is asked for when there is none, and again when a third of its time is left."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from acme_keeper import certificate, lego
from acme_keeper.settings import Settings

FIRST_RETRY, LAST_RETRY = 60, 6 * 3600
"""Let's Encrypt lets a name fail five times an hour; the backoff doubles, and ends at four times a day."""
TRYING, SERVED, FAILED = "trying", "served", "failed"
Obtain = Callable[[Settings], tuple[str, str]]
Wanted = Callable[[certificate.Certificate, float], float | None]
NO_OPINION: Wanted = lambda _held, _now: None  # noqa: E731 - of a CA


class Keeper:
    """Keeps the certificate of one name in ``handed``, the folder that the gateway reads.

    :param run: a tmpfs, where the state is told.
    :param kept: on a volume: lego's account, and since when asking has failed, which a restart must not forget.
    :param wanted: says when the CA wants the certificate that is held to be renewed, if it has an opinion.
    """

    def __init__(
        self, settings: Settings, obtain: Obtain, run: Path, kept: Path, handed: Path, wanted: Wanted = NO_OPINION
    ) -> None:
        self._settings, self._obtain, self._run, self._wanted = settings, obtain, run, wanted
        self._memory = kept / "failed.json"
        self._folder = handed / settings.hostname
        self._failed = self._remembered()
        if self._failed:  # told by an earlier container: the update that has started this one is about what comes now
            (run / "reported").touch()
        self._read: tuple[object, certificate.Certificate | None] = (None, None)
        self.asked = False
        """Somebody wants a new certificate now (SIGUSR1): the old one was revoked, or its key was seen."""

    def _remembered(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._memory.read_text())
            # Another configuration deserves a try at once.
            if isinstance(found, dict) and found.get("of") == self._of():
                return found
        return {}

    def _of(self) -> str:
        asked = json.dumps(asdict(self._settings), sort_keys=True)  # some of it is secret
        return hashlib.sha256(asked.encode()).hexdigest()

    @property
    def chain(self) -> Path:
        """The certificate with those of its issuers; public."""
        return self._folder / "chain.pem"

    def _held(self) -> certificate.Certificate | None:
        """What was handed over last; read again when it is another file, because openssl is a process."""
        found = self.chain.stat() if self.chain.exists() else None
        of = found and (found.st_ino, found.st_mtime_ns)
        if of is None or of != self._read[0]:
            self._read = (of, certificate.read(self.chain, self._settings.hostname))
        return self._read[1]

    def _due(self, held: certificate.Certificate, now: float) -> float:
        wanted = self._wanted(held, now)
        return held.renewal if wanted is None else min(held.renewal, wanted)

    def step(self, now: float) -> None:
        """Does what is due."""
        held = self._held()
        owed = self.asked or bool(self._failed.get("asked"))  # whoever has asked waits for it still
        due = 0.0 if held is None or owed else self._due(held, now)
        again = 0.0 if self.asked else float(self._failed.get("again", 0))
        if again - now > LAST_RETRY:  # the clock was ahead then
            again = 0.0
        if now >= max(due, again):
            held = self._ask(held, now)
        elif now < due and self._failed:  # of another time: the clock was ahead, or the CA wants it later than it did
            self._forget()
        self._tell(held)

    def _ask(self, held: certificate.Certificate | None, now: float) -> certificate.Certificate | None:
        owed = self.asked or bool(self._failed.get("asked"))
        self.asked, begun = False, time.monotonic()
        if held is None:
            self._write_state(TRYING, held, "")
        try:
            chain, key = self._obtain(self._settings)
            self._hand_over(chain, key)
            new = self._held()
            if new is None:
                raise lego.RefusedError(f"the certificate is not for {self._settings.hostname}")  # noqa: TRY301 - as one of lego's own
        except (lego.RefusedError, OSError) as error:
            times = int(self._failed.get("times", 0)) + 1
            now += time.monotonic() - begun
            wait = self._wait(times, held, now)
            self._failed = {
                "of": self._of(),
                "times": times,
                "since": self._failed.get("since", now),
                "again": now + wait,
                "asked": owed,
                "said": f"{self._who()} gave no certificate for {self._settings.hostname}: {error}",
            }
            with contextlib.suppress(OSError):  # on a disk that is full, what is known here has to do
                self._memory.write_text(json.dumps(self._failed))
            self.log("error", f"{self._failed['said']}. It is tried again in {wait:.0f} s")
            return held
        self.asked = False  # whoever asked meanwhile has it, too
        self._forget()
        self.log("info", f"{self._who()} gave a certificate for {self._settings.hostname} until {_moment(new.ends)}")
        return new

    def _forget(self) -> None:
        self._failed = {}
        with contextlib.suppress(OSError):
            self._memory.unlink(missing_ok=True)

    def _wait(self, times: int, held: certificate.Certificate | None, now: float) -> float:
        """A short-lived certificate leaves less time: its end is never more than six tries away."""
        wait = min(FIRST_RETRY * 2.0 ** min(times - 1, 20), LAST_RETRY)
        return min(wait, max((held.ends - now) / 6, 5)) if held and held.ends > now else wait

    def _who(self) -> str:
        return urlsplit(self._settings.directory).hostname or "the CA"

    def _hand_over(self, chain: str, key: str) -> None:
        """Writes what the gateway reads: its group may, and nobody else; the key's file comes whole or not at all.

        The chain, by which the next renewal is known, comes last: who is killed in between asks again.
        """
        self._folder.mkdir(exist_ok=True)
        self._folder.chmod(0o750)
        chain = "\n".join(line for line in chain.splitlines() if line.strip()) + "\n"
        for name, text in (("tls.pem", chain + key), ("chain.pem", chain)):
            new = self._folder / f"{name}.new"
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                os.fchmod(file.fileno(), 0o640)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.rename(self._folder / name)

    def _tell(self, held: certificate.Certificate | None) -> None:
        if self._failed:
            self._write_state(FAILED, held, str(self._failed["said"]))
        else:
            self._write_state(SERVED if held else TRYING, held, "")

    def _write_state(self, state: str, held: certificate.Certificate | None, said: str) -> None:
        told = {
            "state": state,
            "hostname": self._settings.hostname,
            "begins": held.begins if held else None,
            "ends": held.ends if held else None,
            "said": said,
            "since": self._failed.get("since"),
            "times": self._failed.get("times", 0),
            "again": self._failed.get("again"),
        }
        new = self._run / "state.new"
        new.write_text(json.dumps(told))
        new.rename(self._run / "state.json")

    @staticmethod
    def log(level: str, message: str) -> None:
        """One JSON object a line, as all containers write them."""
        print(json.dumps({"time": _moment(time.time()), "level": level, "message": message}), flush=True)  # noqa: T201 - the log


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
