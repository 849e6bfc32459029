"""Three Docker engines that are one swarm, on one machine: with a registry, an internet and clients of the tests' own.

Each engine has a network, processes and a disk to itself (``testbed.nodes``), so that one can be lost, cut off and come
back. All are on one network (``testbed.wires``), and nothing of it leaves this machine.
"""

import contextlib
import gzip
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testbed.hosts import Host, Internet, internet
from testbed.nodes import Node, node, remove_disks
from testbed.registry import registry
from testbed.wires import Hub, hub

NODES = (1, 2, 3)
REGISTRY, INTERNET, CLIENTS = 10, 20, 30
"""Places in the network."""
TRY_PORT = 5000
NEEDED = {"CONFIG_VXLAN": "networks between hosts (VXLAN)", "CONFIG_BRIDGE": "bridges", "CONFIG_VETH": "wires (veth)"}
ENCRYPTION = ("CONFIG_INET_ESP", "CONFIG_CRYPTO_GCM")
"""What Docker's encrypted overlay networks stand on: without them no packet passes between hosts."""


@dataclass(frozen=True)
class Swarm:
    """Three managers. Those of ``nodes`` that run are ``up``."""

    hub: Hub
    nodes: list[Node]
    registry: str
    net: Internet

    @property
    def tried(self) -> str:
        """Where the nodes would take images from, too, if anybody served them: on this machine."""
        return f"{self.hub.machine}:{TRY_PORT}"

    @property
    def first(self) -> Node:
        """The manager that speaks for the swarm, which no test kills."""
        return self.nodes[0]

    def client(self, number: int) -> contextlib.AbstractContextManager[Host]:
        """A host with an address of its own in the network, number 0 to 199."""
        return self.hub.host(CLIENTS + number)


def missing(config: str, names: dict[str, str]) -> list[str]:
    """What of ``names`` a kernel with this configuration (as in /proc/config.gz) does not have, in words."""
    return [words for name, words in names.items() if not {f"{name}=y", f"{name}=m"} & set(config.splitlines())]


def kernel() -> str | None:
    """The configuration of this machine's kernel, if it is shown."""
    shown, installed = Path("/proc/config.gz"), Path(f"/boot/config-{os.uname().release}")
    if shown.exists():
        return gzip.decompress(shown.read_bytes()).decode()
    return installed.read_text() if installed.exists() else None


def encrypts(config: str | None) -> bool:
    """Can a kernel with this configuration encrypt overlay networks? One that shows none is taken to."""
    return config is None or not missing(config, {name: name for name in ENCRYPTION})


@contextlib.contextmanager
def swarm() -> Iterator[Swarm]:
    """A swarm of three managers, gone at the end with all that it had."""
    config = kernel()
    if config and (lacks := missing(config, NEEDED)):
        raise RuntimeError(f"this kernel cannot be a swarm's: it has no {', no '.join(lacks)}")
    with contextlib.ExitStack() as until:
        folder = Path(until.enter_context(tempfile.TemporaryDirectory(prefix="swarm-", ignore_cleanup_errors=True)))
        net = until.enter_context(hub())
        images = until.enter_context(net.host(REGISTRY))
        where = until.enter_context(registry(images, folder))
        until.callback(remove_disks, [folder / str(place) for place in NODES])
        known = [where, f"{net.machine}:{TRY_PORT}"]
        nodes = [until.enter_context(node(net, place, folder / str(place), known)) for place in NODES]
        first, *others = nodes
        first.docker("swarm", "init", "--advertise-addr", first.address, "--listen-addr", first.address)
        token = first.docker("swarm", "join-token", "--quiet", "manager")
        for other in others:
            own = ("--advertise-addr", other.address, "--listen-addr", other.address)
            other.docker("swarm", "join", *own, "--token", token, first.address)
        outside = until.enter_context(internet(folder, on=net.host(INTERNET)))
        yield Swarm(net, nodes, where, outside)
