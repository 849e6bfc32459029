"""A certificate as openssl reads it: for whom, for how long, and what its CA knows it by."""

import base64
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FORM = "%b %d %H:%M:%S %Y GMT"
KEY_IDENTIFIER = re.compile(r"^ +(?:keyid:)?([0-9A-F]{2}(?::[0-9A-F]{2})+)$", re.MULTILINE)


@dataclass(frozen=True)
class Certificate:
    """From when until when it is valid, in Unix time; ``name`` is its issuer's key and its number (RFC 9773, 4.1)."""

    begins: float
    ends: float
    name: str = ""

    @property
    def renewal(self) -> float:
        """When to ask for a new one: with a third of its time left, whether that is a month or two days."""
        return self.ends - (self.ends - self.begins) / 3


def read(chain: Path, hostname: str) -> Certificate | None:
    """Returns the first certificate of ``chain``; None when there is none for ``hostname``."""
    if not chain.exists():
        return None
    # openssl forgets every extension that it is not to show, and then no name matches.
    wanted = ["-dates", "-checkhost", hostname, "-serial", "-ext", "subjectAltName,authorityKeyIdentifier"]
    command = ["openssl", "x509", "-noout", *wanted, "-in", str(chain)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or f"{hostname} does match" not in done.stdout:
        return None
    told = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    begins, ends = (datetime.strptime(told[name], FORM).replace(tzinfo=UTC) for name in ("notBefore", "notAfter"))
    key = KEY_IDENTIFIER.search(done.stdout)
    return Certificate(begins.timestamp(), ends.timestamp(), _name(key[1], told["serial"]) if key else "")


def _name(key: str, serial: str) -> str:
    number = int(serial, 16)
    octets = number.to_bytes(number.bit_length() // 8 + 1, "big")  # as DER has it: the first bit is the sign
    parts = (bytes.fromhex(key.replace(":", "")), octets)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
