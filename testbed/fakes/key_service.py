"""A key service on loopback that speaks as Vault does: it encrypts and decrypts, and gives its key to nobody."""

import contextlib
import json
import secrets
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.fernet import Fernet

from testbed.fakes.https import serving

KEY = "hashivault://states"
"""The secrets provider, as Pulumi names it."""


@contextlib.contextmanager
def key_service() -> Iterator[dict[str, str]]:
    """Yields the variables with which Pulumi finds it."""
    token, key = secrets.token_hex(16), Fernet(Fernet.generate_key())

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.headers.get("x-vault-token") != token:
                self.answer(403, {"errors": ["permission denied"]})
            elif self.path == "/v1/transit/encrypt/states":
                self.answer(200, {"data": {"ciphertext": key.encrypt(asked["plaintext"].encode()).decode()}})
            else:
                self.answer(200, {"data": {"plaintext": key.decrypt(asked["ciphertext"].encode()).decode()}})

        def answer(self, status: int, told: dict[str, Any]) -> None:
            data = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield {"VAULT_SERVER_URL": f"http://127.0.0.1:{port}", "VAULT_SERVER_TOKEN": token}
