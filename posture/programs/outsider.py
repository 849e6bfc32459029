"""Connects, begins a request or a handshake, and tells what came back: ``ADDRESS PORT on|off NAME`` (TLS, whose)."""

import json
import socket
import ssl
import sys

SECONDS = 4
"""For each step: what begins a connection is sent at once, after 1 s and after 3 s (RFC 6298); two may be lost."""


def attempt(address: str, port: int, *, secure: bool, name: str = "localhost") -> str:
    """``answered``, or how it was refused. Who asks for no ``name`` may get no handshake although it is let in."""
    try:
        caller = socket.create_connection((address, port), SECONDS)
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            caller = context.wrap_socket(caller, server_hostname=name)
        caller.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        return "answered" if caller.recv(64) else "closed"
    except OSError as error:
        return type(error).__name__


if __name__ == "__main__":
    sys.stdout.write(json.dumps(attempt(sys.argv[1], int(sys.argv[2]), secure=sys.argv[3] == "on", name=sys.argv[4])))
