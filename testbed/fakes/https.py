"""An HTTPS server of the tests' own, with a certificate from a CA of theirs."""

import ssl
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
