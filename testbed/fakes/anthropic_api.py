"""A fake Anthropic Messages API, stdlib only: `python -m testbed.fakes.anthropic_api`, or its files in any container.

It records what it receives and can be told what to answer: a marker in the last user message, `FAKE:<name>[:<number>]`.
Errors: 400 400beta 400extra 401 403 404 413 429[:retry-after] 500 529. Faults: midstream cut hang[:s] slow[:s].
Endings: maxtok stopseq refusal window pause. Contents: tool texttool paralleltools badjsontool maxtooltok
first_tool (with its schema's default) agent (see for_request) thinking thinktool redacted json citations websearch
interleaved searched echo long.
Over HTTP: GET /__fake__/requests gives the records, DELETE empties them.

Environment: PORT (8080), WORDS (5), EXPIRED_TOKENS (comma separated), TLS_CERTIFICATE and TLS_PRIVATE_KEY (paths).
"""

from __future__ import annotations

import json
import os
import select
import ssl
import threading
import time
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

try:
    from testbed.fakes import anthropic_script as scripts
except ImportError:  # beside the other files in a container
    import anthropic_script as scripts  # type: ignore[import-not-found, no-redef]

ADMIN_PATH = "/__fake__/requests"
POLICY_PATH = "/api/claude_code/policy_limits"
PIECES_BEFORE_FAULT = 3


@dataclass
class Record:
    """One request as it arrived; `raw` is its body as it was written.

    `outcome`: open, complete, error, cut, or client-gone; times in epoch seconds.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    raw: str = ""
    started: float = field(default_factory=time.time)
    ended: float | None = None
    outcome: str = "open"

    def end(self, outcome: str) -> None:
        self.outcome, self.ended = outcome, time.time()


class FakeAnthropic(ThreadingHTTPServer):
    """The server. `records` grows with every request to the API; `url` is its base address."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        address: tuple[str, int] = ("127.0.0.1", 0),
        *,
        words: int = 5,
        expired_tokens: frozenset[str] = frozenset(),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(address, Handler)
        self.words, self.expired_tokens = words, expired_tokens
        self.records: list[Record] = []
        self.lock = threading.Lock()
        self.scheme = "https" if tls else "http"
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.server_address[0]!s}:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is part of the tests, not worth a traceback."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: FakeAnthropic
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Records say more."""

    def do_GET(self) -> None:
        if self.path == ADMIN_PATH:
            with self.server.lock:
                self._json(200, {"requests": [asdict(record) for record in self.server.records]})
        else:
            self._record(None)
            # A CLI that starts asks for limits, and waits five seconds when it does not understand the answer.
            self._json(200, {"restrictions": {}} if self.path.startswith(POLICY_PATH) else {"ok": True})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        with self.server.lock:
            self.server.records.clear()
        self._json(200, {})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = {"unreadable": raw.decode(errors="replace")}
        record = self._record(body, raw.decode(errors="replace"))
        path = self.path.split("?", maxsplit=1)[0]
        if path.endswith("/oauth/token"):
            self._json(200, _fresh_login())
        elif path.endswith("/count_tokens"):
            self._json(200, {"input_tokens": 5})
        elif path.endswith("/v1/messages"):
            self._messages(body, record)
            return
        else:
            self._json(200, {})
        record.end("complete")

    def _record(self, body: Any, raw: str = "") -> Record:
        headers = {name.lower(): value for name, value in self.headers.items()}
        record = Record(self.command, self.path, headers, body, raw)
        with self.server.lock:
            self.server.records.append(record)
        return record

    def _messages(self, body: dict[str, Any], record: Record) -> None:
        script = scripts.Script.for_request(body)
        token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        name = "401" if token in self.server.expired_tokens else script.name
        if self._client_leaves_within(script.seconds_before_head):
            record.end("client-gone")
            self.close_connection = True
        elif name in scripts.ERRORS:
            status, kind, text = scripts.ERRORS[name]
            self._json(status, scripts.error_body(kind, text), scripts.error_headers(name, script.argument))
            record.end("error")
        elif body.get("stream"):
            self._stream(script, body, record)
        else:
            self._json(200, scripts.whole(scripts.events(script, body, self.server.words)))
            record.end("complete")

    def _stream(self, script: scripts.Script, body: dict[str, Any], record: Record) -> None:
        self.send_response(200)
        for name, value in (("content-type", "text/event-stream"), ("transfer-encoding", "chunked")):
            self.send_header(name, value)
        self.end_headers()
        pieces = 0
        try:
            for event in scripts.events(script, body, self.server.words):
                self._event(event)
                pieces += event["type"] == "content_block_delta"
                if pieces == PIECES_BEFORE_FAULT and script.name in ("midstream", "cut"):
                    self._break(script, record)
                    return
                if script.seconds_between_pieces and self._client_leaves_within(script.seconds_between_pieces):
                    raise ConnectionResetError
            self.wfile.write(b"0\r\n\r\n")
            record.end("complete")
        except OSError:
            record.end("client-gone")
            self.close_connection = True

    def _break(self, script: scripts.Script, record: Record) -> None:
        if script.name == "midstream":
            self._event(scripts.error_body("overloaded_error", "Overloaded"))
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True
        record.end("error" if script.name == "midstream" else "cut")

    def _event(self, event: dict[str, Any]) -> None:
        data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _client_leaves_within(self, seconds: float) -> bool:
        """Wait; True as soon as the client closes its side."""
        if seconds <= 0:
            return False
        readable, _, _ = select.select([self.connection], [], [], seconds)
        return bool(readable)

    def _json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        fields = {"content-type": "application/json", "request-id": "req_fake", "content-length": str(len(payload))}
        for name, value in {**fields, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)


def _fresh_login() -> dict[str, Any]:
    """What the OAuth token endpoint gives for a refresh."""
    number = time.time_ns()
    return {
        "token_type": "Bearer",
        "access_token": f"fake-access-{number}",
        "refresh_token": f"fake-refresh-{number}",
        "expires_in": 28_800,
        "scope": "user:inference user:profile",
    }


def main() -> None:
    """Serve until ended."""
    tls = None
    if "TLS_CERTIFICATE" in os.environ:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(os.environ["TLS_CERTIFICATE"], os.environ["TLS_PRIVATE_KEY"])
    address = ("0.0.0.0", int(os.environ.get("PORT", "8080")))
    expired = frozenset(filter(None, os.environ.get("EXPIRED_TOKENS", "").split(",")))
    FakeAnthropic(address, words=int(os.environ.get("WORDS", "5")), expired_tokens=expired, tls=tls).serve_forever()


if __name__ == "__main__":
    main()
