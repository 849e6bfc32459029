"""Certificates for tests, made by the openssl command."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from testbed.gateway import run

P256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256")


@dataclass(frozen=True)
class Pair:
    """A server's certificate and key in PEM form; `path` is its CA's certificate as a file."""

    certificate: str
    key: str
    path: str


def issue(name: str, days: int = 80) -> Pair:
    """A CA and an ECDSA P-256 certificate of `name`; 80 days satisfies Mozilla's modern profile (at most 90)."""
    folder = Path(tempfile.mkdtemp(prefix="gw-certificate-"))
    ca, ca_key, leaf, key = (str(folder / part) for part in ("ca.pem", "ca-key.pem", "leaf.pem", "key.pem"))
    extensions = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")
    run(
        *("openssl", "req", "-x509", *P256, "-days", str(days), "-subj", "/CN=Test CA", "-keyout", ca_key, "-out", ca),
        *(part for extension in extensions for part in ("-addext", extension)),
    )
    server = (
        *("basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth"),
        f"subjectAltName=DNS:{name}",
    )
    run(
        *("openssl", "req", "-x509", "-CA", ca, "-CAkey", ca_key, *P256, "-days", str(days), "-subj", f"/CN={name}"),
        *("-keyout", key, "-out", leaf, *(part for extension in server for part in ("-addext", extension))),
    )
    return Pair(Path(leaf).read_text().strip(), Path(key).read_text().strip(), ca)
