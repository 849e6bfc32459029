"""A network of the tests' own: a bridge in a namespace, with a wire to each host and to this machine."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from testbed.hosts import Host, free_number, ip

MACHINE = 254
"""This machine's place in the network."""


@dataclass
class Hub:
    """The network ``10.213.<number>.0/24`` and ``fd00:213:<number>::/64``; an address ends with its host's place."""

    number: int
    name: str = field(default_factory=lambda: f"lc-hub-{secrets.token_hex(2)}")

    def place(self, place: int) -> Host:
        """What a host at ``place`` (1 to 253) is called and where it is; it need not exist."""
        four, six = f"10.213.{self.number}", f"fd00:213:{self.number}:"
        tag = self.name.rpartition("-")[2]
        return Host(
            f"lc-{self.number}-{place}-{tag}",
            f"{four}.{place}",
            f"{four}.{MACHINE}",
            f"{six}:{place:x}",
            f"{six}:{MACHINE:x}",
            f"{four}.{place}/32",
            f"{six}:{place:x}/128",
            f"lc{place}{tag}",
        )

    def connect(self, made: Host) -> None:
        """Makes the host's namespace, with its wire; it has no route but to this network, which is said at once."""
        ip("netns", "add", made.name)
        ip("-n", made.name, "link", "set", "lo", "up")
        ip(
            "link",
            "add",
            made.device,
            "netns",
            made.name,
            "type",
            "veth",
            "peer",
            "name",
            made.device,
            "netns",
            self.name,
        )
        self._up(made.device, ("-n", made.name), made.address, made.address6)
        # An engine asks what it does not know of a name server: without the route it waits 20 s for each answer.
        ip("-n", made.name, "route", "add", "unreachable", "default")

    def disconnect(self, made: Host) -> None:
        """Takes the host's wire and namespace away; what runs there reaches nothing any more."""
        with contextlib.suppress(RuntimeError):
            ip("-n", self.name, "link", "del", made.device)
        ip("netns", "del", made.name)

    def part(self, one: Host, others: list[Host]) -> None:
        """Nothing goes between one host and the others any more, either way; the rest of the network reaches all."""
        for other in others:
            ip("-n", one.name, "route", "add", "blackhole", f"{other.address}/32")
            ip("-n", other.name, "route", "add", "blackhole", f"{one.address}/32")

    def join(self, one: Host, others: list[Host]) -> None:
        """They reach each other again."""
        for other in others:
            ip("-n", one.name, "route", "del", "blackhole", f"{other.address}/32")
            ip("-n", other.name, "route", "del", "blackhole", f"{one.address}/32")

    @contextlib.contextmanager
    def host(self, place: int) -> Iterator[Host]:
        """A host at ``place``, gone again at the end."""
        made = self.place(place)
        try:
            self.connect(made)
            yield made
        finally:
            self.disconnect(made)

    def _up(self, device: str, where: tuple[str, ...], address: str, address6: str) -> None:
        ip("-n", self.name, "link", "set", device, "master", "br0", "up")
        ip(*where, "addr", "add", f"{address}/24", "dev", device)
        ip(*where, "addr", "add", f"{address6}/64", "dev", device, "nodad")
        ip(*where, "link", "set", device, "up")

    def open(self) -> None:
        """Makes the bridge, and this machine's wire to it."""
        own = self.place(MACHINE)
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "add", "br0", "type", "bridge")
        ip("-n", self.name, "link", "set", "br0", "up")
        ip("link", "add", own.device, "type", "veth", "peer", "name", own.device, "netns", self.name)
        self._up(own.device, (), own.address, own.address6)

    @property
    def machine(self) -> str:
        """This machine's address here."""
        return self.place(MACHINE).address


@contextlib.contextmanager
def hub() -> Iterator[Hub]:
    """A network with a number of its own, gone at the end."""
    with free_number() as number:
        made = Hub(number)
        try:
            made.open()
            yield made
        finally:
            ip("netns", "del", made.name)
