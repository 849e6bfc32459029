"""A certificate as openssl reads it: for whom, and for how long."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FORM = "%b %d %H:%M:%S %Y GMT"


@dataclass(frozen=True)
class Certificate:
    """From when until when it is valid, in Unix time."""

    begins: float
    ends: float

    @property
    def renewal(self) -> float:
        """When to ask for a new one: with a third of its time left, whether that is a month or two days."""
        return self.ends - (self.ends - self.begins) / 3


def read(chain: Path, hostname: str) -> Certificate | None:
    """Returns the first certificate of ``chain``; None when there is none for ``hostname``."""
    if not chain.exists():
        return None
    command = ["openssl", "x509", "-noout", "-dates", "-checkhost", hostname, "-in", str(chain)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or f"{hostname} does match" not in done.stdout:
        return None
    dates = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    begins, ends = (datetime.strptime(dates[name], FORM).replace(tzinfo=UTC) for name in ("notBefore", "notAfter"))
    return Certificate(begins.timestamp(), ends.timestamp())
