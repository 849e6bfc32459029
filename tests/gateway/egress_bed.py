"""What stands around an egress container in the tests: names, a client inside, servers outside."""

import contextlib
import json
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from testbed import gateway as bed

OUTSIDE4 = "10.217.3"  # where the name server and the "internet's" servers stand, as the egress network sees them
DNS, SERVER, OTHER = f"{OUTSIDE4}.53", f"{OUTSIDE4}.80", f"{OUTSIDE4}.81"
NAMES = {
    "good.test.example": SERVER,
    "sub.wide.example": SERVER,
    "wide.example": SERVER,
    "elsewhere.example": SERVER,
    "metadata.test.example": "169.254.169.254",
    "azure-metadata.test.example": "168.63.129.16",
    "alibaba-metadata.test.example": "100.100.100.200",
    "loopback.test.example": "127.0.0.1",
    "rfc1918.test.example": "192.168.7.7",
    "ten.test.example": "10.1.2.3",
    "twelve.test.example": "172.16.3.4",
    "cgnat.test.example": "100.64.1.1",
    "zero.test.example": "0.0.0.0",
    "multicast.test.example": "224.0.0.1",
    "reserved.test.example": "240.0.0.1",
    "broadcast.test.example": "255.255.255.255",
    "loopback6.test.example": "::1",
    "ula.test.example": "fd12::1",
    "link-local.test.example": "fe80::1",
    "metadata6.test.example": "fd00:ec2::254",
    "credentials6.test.example": "fd00:ec2::23",
    "nat64.test.example": "64:ff9b::a01:203",
    "mapped.test.example": "::ffff:10.1.2.3",
    "sixtofour.test.example": "2002:a01:203::1",
    "mixed.test.example": f"{SERVER}+10.1.2.3",
    "mixed-metadata.test.example": f"{SERVER}+169.254.169.254",
    "rebinding.test.example": f"{SERVER}|169.254.169.254|{OTHER}|127.0.0.1",
}
ALLOW = "good.test.example,.wide.example," + ",".join(name for name in NAMES if name.endswith(".test.example"))


@dataclass(frozen=True)
class Egress:
    """A running egress container, called from a container on its inner network."""

    name: str
    client: str
    address: str

    def connect(self, target: str, then: bytes | None = None, *, server_name: str | None = None) -> tuple[int, bytes]:
        """CONNECT, and on 200 begin TLS with `server_name` (else the target's), or send `then`; return the status and
        what came back: from an echo server its address, a blank and what it got."""
        request = f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n".encode()
        name = target.rpartition(":")[0] if server_name is None else server_name
        return self.send(request, client_hello(name) if then is None else then)

    def send(self, request: bytes, then: bytes = b"") -> tuple[int, bytes]:
        out = bed.docker("exec", self.client, "python3", "-c", TALK, self.address, request.hex(), then.hex())
        status, _, body = out.partition(" ")
        return int(status), bytes.fromhex(body)

    @contextlib.contextmanager
    def kept_open(self, name: str) -> Iterator["Tunnel"]:
        """A tunnel to `name` on which something is sent and answered twice a second, until it breaks."""
        request = f"CONNECT {name}:443 HTTP/1.1\r\nhost: {name}:443\r\n\r\n".encode()
        sent = (request.hex(), client_hello(name).hex())
        with tempfile.TemporaryFile("w+") as said:
            talker = subprocess.Popen(
                ["docker", "exec", "-i", self.client, "python3", "-c", KEEP, self.address, *sent],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=subprocess.DEVNULL,
            )
            tunnel = Tunnel(said)
            try:
                bed.wait_until(lambda: tunnel.heard() > 0, 10, "the tunnel is open")
                yield tunnel
            finally:
                talker.communicate(timeout=10)  # it ends with its input

    def refuses(self) -> bool:
        """Whether a new connection is not taken."""
        try_it = f"import socket; socket.create_connection(('{self.address}', 3128), 2)"
        command = ["docker", "exec", self.client, "python3", "-c", try_it]
        return "ConnectionRefused" in subprocess.run(command, capture_output=True, text=True, check=False).stderr

    def log(self) -> list[dict[str, object]]:
        out = subprocess.run(["docker", "logs", self.name], capture_output=True, text=True, check=True).stdout
        return [json.loads(line) for line in out.splitlines()]


class Tunnel:
    """What comes through a tunnel that is kept open."""

    def __init__(self, said: IO[str]) -> None:
        self._said = said
        self._read = 0

    def heard(self) -> int:
        """How many answers came since the last time."""
        self._said.seek(0)
        lines = self._said.read().splitlines()
        new, self._read = len(lines) - self._read, len(lines)
        return new


def client_hello(server_name: str) -> bytes:
    """The first bytes of a TLS client that wants `server_name` (none when empty, or an address)."""
    context = ssl.create_default_context()
    context.check_hostname = False
    sent = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=server_name or None)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return sent.read()


KEEP = """
import os, socket, sys, threading, time
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
connection = socket.create_connection((sys.argv[1], 3128), 15)
connection.sendall(bytes.fromhex(sys.argv[2]))
while b"\\r\\n\\r\\n" not in connection.recv(65536):
    pass
connection.sendall(bytes.fromhex(sys.argv[3]))
connection.recv(65536)
print("open", flush=True)
while True:
    connection.sendall(b"still there")
    if not connection.recv(65536):
        break
    print("answered", flush=True)
    time.sleep(0.5)
"""
TALK = """
import socket, sys
connection = socket.create_connection((sys.argv[1], 3128), 15)
connection.sendall(bytes.fromhex(sys.argv[2]))
head = b""
while b"\\r\\n\\r\\n" not in head:
    part = connection.recv(65536)
    if not part:
        break
    head += part
status = head.split(b" ")[1].decode() if head else "0"
back = b""
if status == "200" and sys.argv[3]:
    connection.sendall(bytes.fromhex(sys.argv[3]))
    try:
        back = connection.recv(65536)
    except ConnectionError:
        pass
print(status, back.hex())
"""
ECHO = """
import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(self.server.server_address[0].encode() + b" " + data)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
import sys, threading
servers = [Server((address, port), Echo) for address in sys.argv[1:] for port in (443, 8443, 22)]
for server in servers:
    threading.Thread(target=server.serve_forever).start()
"""
