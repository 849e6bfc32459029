"""Hosts of the tests' own: network namespaces on a wire of their own to this machine, with real addresses."""

import contextlib
import json
import secrets
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from testbed.fakes.internet import QUESTIONS_PORT, UPSTREAM

ROOT = Path(__file__).parents[1]
ALONE = "10.213.255.1"
"""Of a host without a wire: its containers reach it there."""


def ip(*arguments: str) -> None:
    """Runs the ip command; its own words are in the error."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


@dataclass(frozen=True)
class Host:
    """A namespace with one interface: its own ``address``, and this ``machine``'s at the other end of the wire."""

    name: str
    address: str
    machine: str
    address6: str
    machine6: str
    network: str
    network6: str
    device: str

    def run(self, *command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a command on the host."""
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *command], capture_output=True, text=True, check=False, timeout=timeout
        )

    def curl(self, url: str, *options: str, timeout: int = 10) -> str:
        """Returns the HTTP status as curl prints it; 000 when there was no connection."""
        fixed = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", str(timeout))
        return self.run(*fixed, *options, url).stdout


@contextlib.contextmanager
def free_number() -> Iterator[int]:
    """A number that no other host has, in this process or another: it is held as a socket that the kernel frees."""
    with socket.socket(socket.AF_UNIX) as claim:
        for number in range(1, 255):
            with contextlib.suppress(OSError):
                claim.bind(f"\0litellm-claude-host-{number}")
                yield number
                return
        raise RuntimeError("254 test hosts are in use: are there processes of earlier runs?")


@contextlib.contextmanager
def host() -> Iterator[Host]:
    """A host at 10.213.<number>.2 and fd00:213:<number>::2 with a number of its own, gone again at the end.

    It has no route but its wire: like a host on the internet it cannot answer the private addresses of containers.
    """
    with free_number() as number, wired(number) as made:
        yield made


@contextlib.contextmanager
def wired(number: int) -> Iterator[Host]:
    tag = secrets.token_hex(2)
    name, near, far = f"lc-{number}-{tag}", f"lcn{number}{tag}", f"lcf{number}{tag}"
    four, six = f"10.213.{number}", f"fd00:213:{number}:"
    made = Host(name, f"{four}.2", f"{four}.1", f"{six}:2", f"{six}:1", f"{four}.0/24", f"{six}:/64", far)
    ip("netns", "add", name)
    try:
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        for where, device, v4, v6 in (
            ((), near, made.machine, made.machine6),
            (("-n", name), far, made.address, made.address6),
        ):
            ip(*where, "addr", "add", f"{v4}/24", "dev", device)
            ip(*where, "addr", "add", f"{v6}/64", "dev", device, "nodad")
            ip(*where, "link", "set", device, "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield made
    finally:
        ip("netns", "del", name)


@contextlib.contextmanager
def lonely() -> Iterator[Host]:
    """A host with no wire at all: it reaches itself, and has no route to anything else."""
    name = f"lc-alone-{secrets.token_hex(2)}"
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "addr", "add", f"{ALONE}/32", "dev", "lo")
        yield Host(name, ALONE, ALONE, "::1", "::1", f"{ALONE}/32", "::1/128", "lo")
    finally:
        ip("netns", "del", name)


@dataclass(frozen=True)
class Internet:
    """The host on which the fake API and the DNS server run, and the CA that signed its certificate."""

    host: Host
    ca: str
    context: ssl.SSLContext

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of a stack whose upstream is the fake API."""
        return {
            "egressDns": [self.host.address],
            "egressPrivateCidrs": [f"{self.host.address}/32"],
            "upstreamCaCertificates": self.ca,
        }

    def requests(self) -> list[dict[str, Any]]:
        """What the fake API has received."""
        url = f"https://{self.host.address}/__fake__/requests"
        with urllib.request.urlopen(url, context=self.context, timeout=10) as answer:
            return list(json.load(answer)["requests"])

    def questions(self) -> list[str]:
        """The names that the DNS server was asked for."""
        with urllib.request.urlopen(f"http://{self.host.address}:{QUESTIONS_PORT}", timeout=10) as answer:
            return list(json.load(answer))


@contextlib.contextmanager
def internet(
    folder: Path, names: dict[str, str] | None = None, on: contextlib.AbstractContextManager[Host] | None = None
) -> Iterator[Internet]:
    """Serves the upstream's names, and ``names``, on a host of its own, or ``on``: "self" is it, "machine" this one."""
    authority = trustme.CA()
    with on or host() as machine:
        issued = authority.issue_cert(*UPSTREAM, machine.address)
        pem = folder / "internet.pem"
        issued.private_key_and_cert_chain_pem.write_to_path(pem)
        context = ssl.create_default_context()
        authority.configure_trust(context)
        own = {"self": machine.address, "machine": machine.machine}
        pairs = [f"{name}={own.get(address, address)}" for name, address in (names or {}).items()]
        command = [sys.executable, "-m", "testbed.fakes.internet", machine.address, str(pem), *pairs]
        server = subprocess.Popen(["ip", "netns", "exec", machine.name, *command], cwd=ROOT)
        try:
            made = Internet(machine, authority.cert_pem.bytes().decode(), context)
            for attempt in range(100):
                with contextlib.suppress(OSError):
                    made.requests()
                    break
                time.sleep(0.1 if attempt < 99 else 0)
            yield made
        finally:
            server.terminate()
            server.wait()
