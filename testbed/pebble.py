"""A CA that speaks ACME: Debian's pebble, in a network namespace of the tests' internet."""

import contextlib
import json
import os
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from testbed.hosts import ROOT, Host

NAME = "ca.example.org"
PORT, MANAGEMENT = 14000, 15000


@dataclass
class Pebble:
    """Asks for ``http_port`` of a name in http-01; ``seconds`` is how long its certificates hold.

    ``dns`` is the server that it asks, without it the one of the internet's host.
    """

    host: Host
    folder: Path
    http_port: int
    seconds: int = 90 * 86400
    dns: str = ""
    authority: trustme.CA = field(default_factory=trustme.CA)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def directory(self) -> str:
        return f"https://{NAME}:{PORT}/dir"

    @property
    def ca(self) -> str:
        """Who signed the certificate of the CA's own server; certificates have another issuer."""
        return self.authority.cert_pem.bytes().decode()

    def start(self) -> None:
        """Serves anew, with no memory: pebble has none."""
        self.stop()
        issued = self.authority.issue_cert(NAME, self.host.address)
        chain, key, config = (self.folder / name for name in ("chain.pem", "key.pem", "config.json"))
        chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        settings = {
            "listenAddress": f"{self.host.address}:{PORT}",
            "managementListenAddress": f"{self.host.address}:{MANAGEMENT}",
            "certificate": str(chain),
            "privateKey": str(key),
            "httpPort": self.http_port,
            "tlsPort": 443,
            "certificateValidityPeriod": self.seconds,
        }
        config.write_text(json.dumps({"pebble": settings}))
        found = subprocess.run(
            [ROOT / "setup" / "debian_tool.sh", "pebble"], capture_output=True, text=True, check=True
        )
        command = [
            f"{found.stdout.strip()}/pebble",
            "-config",
            str(config),
            "-dnsserver",
            self.dns or f"{self.host.address}:53",
        ]
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.host.name, *command],
            env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"},
            stdout=(self.folder / "log").open("ab"),
            stderr=subprocess.STDOUT,
        )
        for _ in range(100):
            with contextlib.suppress(OSError):
                self.root()
                return
            time.sleep(0.1)
        raise RuntimeError((self.folder / "log").read_text())

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def root(self) -> str:
        """The root of the certificates that it gives."""
        return self._get(MANAGEMENT, "roots/0")

    def status(self, serial: int) -> str:
        """Valid or Revoked."""
        return str(json.loads(self._get(MANAGEMENT, f"cert-status-by-serial/{serial:x}"))["Status"])

    def entries(self) -> dict[str, Any]:
        """What its directory says: where to ask for what."""
        return dict(json.loads(self._get(PORT, "dir")))

    def _get(self, port: int, path: str) -> str:
        request = urllib.request.Request(
            f"https://{self.host.address}:{port}/{path}", headers={"host": f"{NAME}:{PORT}"}
        )
        with urllib.request.urlopen(request, context=ssl.create_default_context(cadata=self.ca)) as answer:
            return str(answer.read().decode())


@contextlib.contextmanager
def pebble(host: Host, folder: Path, http_port: int, **options: Any) -> Iterator[Pebble]:
    """A pebble that serves until the end."""
    made = Pebble(host, folder, http_port, **options)
    try:
        made.start()
        yield made
    finally:
        made.stop()
