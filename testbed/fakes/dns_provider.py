"""A DNS provider with an API (lego's httpreq), the DNS server that has its records, and a CA that has had enough."""

import json
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

import trustme
from dnslib import QTYPE, RR, TXT, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from testbed.fakes.https import https_server

NAME = "dns.example.org"
DNS_PORT, API_PORT = 14553, 14543


class DnsProvider(BaseResolver):  # type: ignore[misc]
    """Every name is at ``address``; a record is what the API was last told. At /limited is a CA that answers 429.

    :param port: the API's. ``lost`` is what it makes of a record that it loses.
    """

    def __init__(self, address: str, authority: trustme.CA, port: int = API_PORT) -> None:
        self.address, self.lost = address, ""
        self.records: dict[str, str] = {}
        self.told: list[tuple[str, str]] = []
        self._api = https_server(NAME, (address, port), authority, handler(self))
        self._dns = DNSServer(self, address=address, port=DNS_PORT, logger=DNSLogger(log="-request,-reply"))

    def __enter__(self) -> Self:
        threading.Thread(target=self._api.serve_forever, daemon=True).start()
        self._dns.start_thread()
        return self

    def __exit__(self, *_: object) -> None:
        self._api.shutdown()
        self._api.server_close()
        self._dns.stop()

    def resolve(self, request: DNSRecord, _handler: Any) -> DNSRecord:
        reply, name = request.reply(), str(request.q.qname).rstrip(".").lower()
        if request.q.qtype == QTYPE.A:
            reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(self.address), ttl=1))
        elif request.q.qtype == QTYPE.TXT and name in self.records:
            reply.add_answer(RR(request.q.qname, QTYPE.TXT, rdata=TXT(self.records[name]), ttl=1))
        return reply


def handler(provider: DnsProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self, status: int, body: dict[str, str], kind: str = "application/json") -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.send_header("replay-nonce", "bm9uY2U")
            self.end_headers()
            self.wfile.write(data)

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("replay-nonce", "bm9uY2U")
            self.end_headers()

        def do_GET(self) -> None:
            base = f"https://{NAME}:{API_PORT}/limited"
            self.answer(200, {name: f"{base}/{name}" for name in ("newNonce", "newAccount", "newOrder", "revokeCert")})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path.startswith("/limited"):
                problem = {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many certificates"}
                self.answer(429, problem, "application/problem+json")
                return
            provider.told.append((self.path, self.headers.get("authorization", "")))
            if self.path == "/present":
                provider.records[body["fqdn"].rstrip(".").lower()] = provider.lost or body["value"]
            else:
                provider.records.pop(body["fqdn"].rstrip(".").lower(), None)
            self.answer(200, {})

        def log_message(self, *_: Any) -> None:
            """The record is the log."""

    return Handler
