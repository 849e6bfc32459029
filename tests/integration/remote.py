"""Ways to the engine from afar, on loopback: an SSH server, and a TLS relay that asks for a client certificate."""

import asyncio
import contextlib
import selectors
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import trustme

SOCKET = "/var/run/docker.sock"
DIAL = "docker system dial-stdio"  # the one command that docker's client runs over SSH


@contextlib.contextmanager
def served(start: Callable[[], Awaitable[asyncssh.SSHAcceptor]]) -> Iterator[int]:
    """Runs a server in a thread of its own; yields its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(_awaited(start), loop).result(10)
        yield int(server.sockets[0].getsockname()[1])
        loop.call_soon_threadsafe(server.close)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _awaited(start: Callable[[], Awaitable[asyncssh.SSHAcceptor]]) -> asyncssh.SSHAcceptor:
    return await start()


async def _dial(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Runs what docker's client asks for, and nothing else."""
    if not (process.command or "").endswith(DIAL):
        process.stderr.write(b"this server connects to the engine alone\n")
        process.exit(1)
        return
    pipe = subprocess.PIPE
    local = await asyncio.create_subprocess_exec(*DIAL.split(), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
    await process.redirect(stdin=local.stdin, stdout=local.stdout)
    process.exit(await local.wait())


@contextlib.contextmanager
def ssh_server(folder: Path, *, known: bool = True) -> Iterator[tuple[str, str]]:
    """An SSH server; yields the engine's URL, and a folder for PATH in which `ssh` has its key and knows it, or not.

    What stands in a user's own ~/.ssh/config is given to ssh by a wrapper here, for ssh takes no other home.
    """
    keys = {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("host", "client")}
    for name, key in keys.items():
        key.write_private_key(folder / name)
        (folder / name).chmod(0o600)
    (folder / "authorized").write_bytes(keys["client"].export_public_key())

    async def start() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[keys["host"]],
            authorized_client_keys=str(folder / "authorized"),
            process_factory=_dial,
            encoding=None,
        )

    with served(start) as port:
        public = keys["host"].export_public_key().decode()
        (folder / "known").write_text(f"[127.0.0.1]:{port} {public}" if known else "")
        options = f"IdentityFile {folder / 'client'}\nIdentitiesOnly yes\nUserKnownHostsFile {folder / 'known'}\n"
        silent = "StrictHostKeyChecking yes\nBatchMode yes\n" if known else ""
        (folder / "config").write_text(f"{options}{silent}")
        commands = folder / "bin"
        commands.mkdir()
        (commands / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder / "config"} "$@"\n')
        (commands / "ssh").chmod(0o755)
        yield f"ssh://operator@127.0.0.1:{port}", str(commands)


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
