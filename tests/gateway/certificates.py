"""Certificates for tests, made by the openssl command."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.gateway.bed import run


@dataclass(frozen=True)
class Pair:
    """A certificate and its key in PEM form; `path` is the certificate as a file, for clients that trust it."""

    certificate: str
    key: str
    path: str


def self_signed(name: str, days: int = 80) -> Pair:
    """An ECDSA P-256 certificate of `name`; 80 days satisfies Mozilla's modern profile (at most 90)."""
    folder = Path(tempfile.mkdtemp(prefix="gw-certificate-"))
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-sha256", "-days", str(days), "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
        *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
    )
    certificate, key = (folder / "certificate.pem").read_text(), (folder / "key.pem").read_text()
    return Pair(certificate.strip(), key.strip(), str(folder / "certificate.pem"))
