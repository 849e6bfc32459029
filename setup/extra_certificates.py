#!/usr/bin/env python3
"""Copies the CA certificates that this machine trusts beyond Debian's own into a folder, one PEM file each.

A machine behind a proxy that inspects TLS has such certificates; without them `docker build` could not reach package
registries. They are the `.crt` files of /usr/local/share/ca-certificates, and those of the system's bundle that
Debian's ca-certificates package does not have.
"""

import hashlib
import re
import ssl
import sys
from collections.abc import Iterable
from pathlib import Path

PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def certificates(paths: Iterable[Path]) -> dict[str, str]:
    """PEM certificates of those files that exist, by the SHA-256 of their content."""
    found = {}
    for path in paths:
        if path.is_file():
            for pem in PEM.findall(path.read_text(errors="replace")):
                found[hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()] = pem
    return found


def extra_certificates(system: Path) -> dict[str, str]:
    """What the machine rooted at `system` trusts beyond Debian's package, by SHA-256."""
    packaged = certificates((system / "usr/share/ca-certificates").rglob("*.crt"))
    local = certificates((system / "usr/local/share/ca-certificates").rglob("*.crt"))
    # without the package there is nothing to compare the bundle with, and it is the distribution's own
    bundle = certificates([system / "etc/ssl/certs/ca-certificates.crt"]) if packaged else {}
    return {name: pem for name, pem in (local | bundle).items() if name not in packaged}


def main(target: str, system: str = "/") -> None:
    """Writes the files and prints how many they are."""
    found = extra_certificates(Path(system))
    for name, pem in found.items():
        path = Path(target, f"machine-{name[:16]}.crt")
        path.write_text(pem + "\n")
        path.chmod(0o644)
    sys.stdout.write(f"{len(found)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
