"""An internet of the tests' own: a DNS server and the fake Anthropic API over TLS, to run in a network namespace.

``python -m testbed.fakes.internet ADDRESS CERTIFICATE_AND_KEY [NAME=ADDRESS ...]`` serves until it is ended. Every name
of the upstream's resolves to ADDRESS; further names as given. Every question and request is on record.
"""

import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dnslib import AAAA, QTYPE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from testbed.fakes.anthropic_api import FakeAnthropic

UPSTREAM = ("api.anthropic.com", "console.anthropic.com", "platform.claude.com", "claude.ai")
QUESTIONS_PORT = 8053


class Resolver(BaseResolver):  # type: ignore[misc]
    """Answers for the names it knows, NXDOMAIN for all others, and remembers what it was asked."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names
        self.asked: list[str] = []

    def resolve(self, request: DNSRecord, _handler: Any) -> DNSRecord:
        reply = request.reply()
        name = str(request.q.qname).rstrip(".").lower()
        self.asked.append(name)
        address = self.names.get(name)
        if address is None:
            reply.header.rcode = 3
        elif (":" in address) == (request.q.qtype == QTYPE.AAAA):
            kind, data = (QTYPE.AAAA, AAAA(address)) if ":" in address else (QTYPE.A, A(address))
            reply.add_answer(RR(request.q.qname, kind, rdata=data, ttl=1))
        return reply


def serve(address: str, certificate: str, names: dict[str, str]) -> None:
    """Serves DNS on 53, the API on 443 and what DNS was asked on 8053, forever."""
    resolver = Resolver({**dict.fromkeys(UPSTREAM, address), **names})

    class Questions(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(resolver.asked).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """The record is the log."""

    for tcp in (False, True):
        DNSServer(resolver, address=address, port=53, tcp=tcp, logger=DNSLogger(log="-request,-reply")).start_thread()
    threading.Thread(
        target=ThreadingHTTPServer((address, QUESTIONS_PORT), Questions).serve_forever, daemon=True
    ).start()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    FakeAnthropic((address, 443), tls=context).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], dict(pair.split("=", 1) for pair in sys.argv[3:]))
