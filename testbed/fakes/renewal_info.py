"""A CA's directory with renewal information (RFC 9773), which Debian's pebble lacks: what is revoked is due at once."""

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

import trustme

from testbed.fakes.https import https_server, serving

NAME, PORT = "renewals.example.org", 14544
BASE = f"https://{NAME}:{PORT}"
DAY = 86400


class Ca(Protocol):
    """What is asked of pebble (testbed/pebble.py)."""

    authority: trustme.CA

    def entries(self) -> dict[str, Any]: ...
    def status(self, serial: int) -> str: ...


@contextlib.contextmanager
def directory(ca: Ca, address: str) -> Iterator[str]:
    """Yields the directory of ``ca``, which does all else itself, and knows what has become of a certificate."""
    with serving(https_server(NAME, (address, PORT), ca.authority, handler(ca))):
        yield f"{BASE}/dir"


def window(ca: Ca, certificate: str) -> dict[str, Any]:
    """What is told of a certificate, by the name that RFC 9773 gives it."""
    octets = certificate.partition(".")[2]
    serial = int.from_bytes(base64.urlsafe_b64decode(octets + "=" * (-len(octets) % 4)), "big")
    days = -1 if ca.status(serial) == "Revoked" else 60
    moments = (time.time() + days * DAY, time.time() + (days + 0.5) * DAY)
    start, end = (datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for moment in moments)
    return {"suggestedWindow": {"start": start, "end": end}}


def handler(ca: Ca) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = {**ca.entries(), "renewalInfo": f"{BASE}/renewal-info"}
            if self.path != "/dir":
                told = window(ca, self.path.rpartition("/")[2])
            data = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.send_header("retry-after", "60")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """What it is asked is no secret, and nobody reads it."""

    return Handler
