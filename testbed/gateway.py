"""The test bed: real containers, real networks, and clients with addresses of their own in a network namespace.

Needs root (network namespaces) and a Docker engine on this machine. Everything made here is named `gw-...`.
"""

import contextlib
import ctypes
import ipaddress
import itertools
import json
import os
import random
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
EDGE4, EDGE6 = "10.217.1.0/24", "fd17:1::/64"
BACKEND4 = "10.217.2.0/24"
CLIENTS4, CLIENTS6 = ipaddress.ip_network("10.218.0.0/16"), ipaddress.ip_network("fd17:9::/48")
HOST4, HOST6 = str(CLIENTS4[1]), str(CLIENTS6[1])
CLONE_NEWNET = 0x40000000
HARDENING = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "256m"),
    "--no-healthcheck",  # the tests ask by themselves; with dozens of containers the engine would keep a processor busy
)

_libc = ctypes.CDLL(None, use_errno=True)


def run(*command: str, check: bool = True, stdin: str | None = None) -> str:
    """Run a command and return its output, both streams together; a failure raises with that output."""
    done = subprocess.run(
        command, input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, errors="replace"
    )
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command[:6])} ... ended with {done.returncode}:\n{done.stdout}")
    return done.stdout.strip()


def docker(*arguments: str, check: bool = True) -> str:
    return run("docker", *arguments, check=check)


def wait_until(condition: "object", seconds: float, what: str) -> None:
    """Poll `condition` (a callable) every 50 ms; raise TimeoutError with `what` when it stays false."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


@dataclass
class Clients:
    """A network namespace behind a veth pair; the host is its router. Addresses are handed out, one a test."""

    name: str = "gw-clients"
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(10))

    def __post_init__(self) -> None:
        self.remove()
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", "gw-host", "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "addr", "add", f"{HOST4}/16", "dev", "gw-host")
        run("ip", "addr", "add", f"{HOST6}/48", "dev", "gw-host", "nodad")
        run("ip", "link", "set", "gw-host", "up")
        for device in ("lo", "eth0"):
            run("ip", "-n", self.name, "link", "set", device, "up")

    def remove(self) -> None:
        run("ip", "netns", "del", self.name, check=False)
        run("ip", "link", "del", "gw-host", check=False)

    def new_address(self) -> str:
        return self._add(str(CLIENTS4[next(self._numbers)]), 16)

    def new_address6(self) -> str:
        """An IPv6 address in a /64 of its own."""
        return self._add(str(CLIENTS6[(next(self._numbers) << 64) + 2]), 48, "nodad")

    def neighbour6(self, address: str) -> str:
        """Another address in the same /64."""
        return self._add(str(ipaddress.ip_address(address) + next(self._numbers)), 48, "nodad")

    def _add(self, address: str, length: int, *flags: str) -> str:
        run("ip", "-n", self.name, "addr", "add", f"{address}/{length}", "dev", "eth0", *flags)
        return address

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets that this thread makes inside belong to the namespace, and stay there."""
        with Path("/proc/thread-self/ns/net").open() as home, Path(f"/run/netns/{self.name}").open() as there:
            _set_namespace(there.fileno())
            try:
                yield
            finally:
                _set_namespace(home.fileno())

    def connect(self, source: str, port: int, timeout: float = 10) -> socket.socket:
        """A TCP connection from `source` to the port that the host publishes."""
        target = HOST6 if ":" in source else HOST4
        with self.entered():
            return socket.create_connection((target, port), timeout=timeout, source_address=(source, 0))


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns failed: run these tests as root")


@dataclass(frozen=True)
class Gateway:
    """A running gateway container, and the host port that leads to it through a front of its own."""

    name: str
    port: int
    redirect_port: int = 0
    metrics_port: int = 0

    @property
    def front(self) -> str:
        """The container that publishes the ports."""
        return f"{self.name}-front"

    def log(self) -> list[dict[str, object]]:
        """Its access log: one JSON object a line on stdout (a line that is none fails here)."""
        out = subprocess.run(["docker", "logs", self.name], capture_output=True, text=True, check=True).stdout
        return [json.loads(line) for line in out.splitlines()]


def user_of(image: str) -> str:
    """The `uid=..,gid=..` for a tmpfs that the image's user owns."""
    uid, gid = docker("run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", "id -u; id -g").split()
    return f"uid={uid},gid={gid}"


def environment(values: Mapping[str, str]) -> list[str]:
    return list(itertools.chain.from_iterable(("--env", f"{name}={value}") for name, value in values.items()))


def start(name: str, image: str, networks: Sequence[str], *options: str, command: Sequence[str] = ()) -> None:
    """Create a container, attach it to all its networks, then start it (an entry point sees all of its routes)."""
    docker("rm", "-f", name, check=False)
    docker("create", "--name", name, "--network", networks[0], *options, image, *command)
    for network in networks[1:]:
        docker("network", "connect", network, name)
    docker("start", name)


def start_gateway(name: str, images: tuple[str, str], networks: Sequence[str], settings: Mapping[str, str]) -> Gateway:
    """A front with the published ports on the first of `networks`, a gateway on the second, and between the two a
    network of their own; `images` are the front's and the gateway's."""
    door, front = f"{name}-door", f"{name}-front"
    inhibit = ("--opt", "com.docker.network.bridge.inhibit_ipv4=true")
    docker("network", "create", "--internal", *inhibit, "--subnet", door_subnet(), door)
    tmpfs = {image: f"{user_of(image)},mode=0700,size=1m,noexec,nosuid,nodev" for image in images}
    docker("rm", "-f", name, check=False)
    docker(
        *("create", "--name", name, "--network", door, "--network-alias", "gateway", "--network-alias", "gateway-door"),
        *(*HARDENING, "--dns", "127.0.0.1", "--tmpfs", f"/run/gateway:{tmpfs[images[1]]}"),
        *(*environment({f"GATEWAY_{key.upper()}": value for key, value in settings.items()}), images[1]),
    )
    docker("network", "connect", networks[1], name)
    docker("start", name)
    port, redirect_port, metrics_port = free_port(), 0, 0
    ports = ["--publish", f"{port}:{8443 if settings.get('tls') == 'on' else 8080}"]
    if settings.get("redirect") == "true":
        redirect_port = free_port()
        ports += ["--publish", f"{redirect_port}:8080"]
    if settings.get("metrics_key_sha256"):
        metrics_port = free_port()
        ports += ["--publish", f"{metrics_port}:8090"]
    start(
        front,
        images[0],
        [networks[0], door],
        *(*ports, *HARDENING, "--dns", "127.0.0.1", "--tmpfs", f"/run/front:{tmpfs[images[0]]}"),
    )
    wait_until(lambda: healthy(name, "gateway-healthcheck"), 15, f"{name} is healthy")
    wait_until(lambda: healthy(front, "front-healthcheck"), 15, f"{front} is healthy")
    side = "tls" if settings.get("tls") == "on" else "plain"
    wait_until(lambda: hands_on(front, side), 15, f"{front} hands connections on to {name}")
    return Gateway(name, port, redirect_port, metrics_port)


def hands_on(front: str, side: str) -> bool:
    """What the front said last of its gateway: found by the DNS, it may still have been refused by its first check."""
    said = [line for line in docker("logs", front).splitlines() if f"Server {side}/gateway1 " in line]
    return bool(said) and ("administratively READY" in said[-1] or " is UP, " in said[-1])


def door_subnet() -> str:
    """A range for one more network between a front and a gateway: the engine's own pools have thirty."""
    taken = docker("network", "ls", "--filter", "name=-door$", "--quiet").split()
    subnets = (
        docker("network", "inspect", "--format", "{{range .IPAM.Config}}{{.Subnet}}{{end}}", *taken) if taken else ""
    )
    return next(text for number in range(256) if (text := f"10.219.{number}.0/28") not in subnets.split())


def remove_gateway(name: str) -> None:
    docker("rm", "-f", name, f"{name}-front", check=False)
    docker("network", "rm", f"{name}-door", check=False)


def address_of(container: str, network: str, *, v6: bool = False) -> str:
    key = "GlobalIPv6Address" if v6 else "IPAddress"
    return docker("inspect", "--format", f'{{{{(index .NetworkSettings.Networks "{network}").{key}}}}}', container)


def free_port() -> int:
    """A port that nothing listens on, and that the kernel gives to no connection meanwhile (ip_local_port_range)."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("0.0.0.0", port))  # on all addresses, as docker will
            return port


def healthy(name: str, command: str) -> bool:
    state = docker("inspect", "--format", "{{.State.Status}}", name)
    if state == "exited":
        raise RuntimeError(f"{name} ended:\n{docker('logs', name)}")
    probe = subprocess.run(["docker", "exec", name, command], capture_output=True, check=False)
    return probe.returncode == 0


def require_engine() -> None:
    """Fail, and say why, on a machine where these tests could not mean anything."""
    if os.geteuid():
        raise RuntimeError("tests/gateway needs root for network namespaces: run `sudo make test`.")
    run("docker", "info")
    settings = Path("/etc/docker/daemon.json")
    text = settings.read_text() if settings.exists() else "{}"
    version = int(docker("version", "--format", "{{.Server.Version}}").split(".")[0])
    if version < 27 and not json.loads(text).get("ip6tables"):
        raise RuntimeError(
            'this engine hides IPv6 clients behind its own address: put {"experimental": true, "ip6tables": true} '
            "into /etc/docker/daemon.json and restart it (make test does so where it starts the engine)."
        )
