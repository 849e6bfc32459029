"""Ways to the engine from afar, on loopback: OpenSSH's server, and a TLS relay that asks for a client certificate."""

import contextlib
import selectors
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trustme

from testbed.deployment import docker

SOCKET = "/var/run/docker.sock"
SSHD = "litellm-claude-sshd-tests"
SSHD_FILE = """
FROM debian:trixie-slim
RUN apt-get update \\
    && apt-get install -y --no-install-recommends openssh-server docker-cli \\
    && rm -rf /var/lib/apt/lists/* \\
    && install -d -m 700 /run/sshd /root/.ssh
ENTRYPOINT ["sh", "-c", "echo \\"$0\\" >/root/.ssh/authorized_keys && exec /usr/sbin/sshd -D -e"]
"""
"""As Debian sets it up: what it refuses of many connections at once, it refuses here."""


@contextlib.contextmanager
def ssh_server(folder: Path, *, known: bool = True) -> Iterator[tuple[str, str]]:
    """An SSH server; yields the engine's URL, and a folder for PATH in which `ssh` has its key and knows it, or not.

    What stands in a user's own ~/.ssh/config is given to ssh by a wrapper here, because ssh takes no other home.
    """
    subprocess.run(["docker", "build", "--quiet", "--tag", SSHD, "-"], input=SSHD_FILE, text=True, check=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "client"], check=True)
    published = ("--publish", "127.0.0.1::22", "--volume", f"{SOCKET}:{SOCKET}")
    container = docker("run", "--detach", *published, SSHD, (folder / "client.pub").read_text())
    try:
        address, _, port = docker("port", container, "22").rpartition(":")
        public = docker("exec", container, "cat", "/etc/ssh/ssh_host_ed25519_key.pub")
        _wait(address, int(port))
        (folder / "known").write_text(f"[{address}]:{port} {public}\n" if known else "")
        options = f"IdentityFile {folder / 'client'}\nIdentitiesOnly yes\nUserKnownHostsFile {folder / 'known'}\n"
        silent = "StrictHostKeyChecking yes\nBatchMode yes\n" if known else ""
        (folder / "config").write_text(f"{options}{silent}")
        commands = folder / "bin"
        commands.mkdir()
        (commands / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder / "config"} "$@"\n')
        (commands / "ssh").chmod(0o755)
        yield f"ssh://root@{address}:{port}", str(commands)
    finally:
        docker("rm", "--force", "--volumes", container)


def _wait(address: str, port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection((address, port), 5) as connection:
            if connection.recv(4) == b"SSH-":
                return
        time.sleep(0.1)
    raise TimeoutError("the SSH server does not answer")


class _Relay(socketserver.BaseRequestHandler):
    """Carries bytes both ways. A client that has no more to say still hears the rest, as it does from the engine."""

    def handle(self) -> None:
        client, engine = self.request, socket.socket(socket.AF_UNIX)
        engine.connect(SOCKET)
        with engine, selectors.DefaultSelector() as watched:
            watched.register(client, selectors.EVENT_READ)
            watched.register(engine, selectors.EVENT_READ)
            with contextlib.suppress(OSError):
                while engine in watched.get_map():
                    ready = [key.fileobj for key, _ in watched.select()]
                    if client in ready and not self._pass_on(client, engine):
                        watched.unregister(client)
                    if engine in ready and not self._pass_on(engine, client):
                        return

    def _pass_on(self, source: Any, target: Any) -> bool:
        """Passes on what there is to read; at the end of it says so, and returns False."""
        while data := source.recv(65536):
            target.sendall(data)
            if not (isinstance(source, ssl.SSLSocket) and source.pending()):
                return True
        if isinstance(source, ssl.SSLSocket):
            target.shutdown(socket.SHUT_WR)
        return False


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Relay)
        self._context = context

    def get_request(self) -> tuple[Any, Any]:
        connection, address = self.socket.accept()
        return self._context.wrap_socket(connection, server_side=True), address


@contextlib.contextmanager
def tls_engine(folder: Path) -> Iterator[tuple[str, str]]:
    """The engine behind TLS, for clients with a certificate; yields its URL and the folder with ca, cert and key."""
    authority = trustme.CA()
    client = authority.issue_cert("operator@example.org")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    client.private_key_pem.write_to_path(folder / "key.pem")
    client.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED

    with _Server(context) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_address[1]}", str(folder)
        server.shutdown()
