"""Servers of the tests' own: beside a test, and over HTTPS with a certificate from a CA of theirs."""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme


def https_server(
    name: str, address: tuple[str, int], authority: trustme.CA, handler: type[BaseHTTPRequestHandler]
) -> ThreadingHTTPServer:
    """Listens; serves when it is told to."""
    server = ThreadingHTTPServer(address, handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


@contextlib.contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[int]:
    """Serves for as long as the body takes; yields the port."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
