"""Sets of addresses: which networks are private, and what some networks leave of others. Pure functions."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_network

from rules.refusal import Refusal, one_too_many

Networks = Sequence[IPv4Network | IPv6Network]
Addresses = Sequence[IPv4Address | IPv6Address]

PRIVATE: Networks = [
    ip_network(block)
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "fc00::/7")
]
"""Networks that belong to whoever runs them (RFC 1918, 6598, 2544, 4193)."""
LOCAL: Networks = [ip_network(block) for block in ("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10")]
"""Loopback and link-local networks (RFC 1122, 3927, 4291)."""
MAPPED = IPv6Network("::ffff:0:0/96")
"""IPv4 as IPv6 writes it (RFC 4291, 2.5.5.2). HAProxy looks an IPv4 client up in the IPv6 networks of a list as one."""

WIDEST = {4: IPv4Network("0.0.0.0/8").num_addresses, 6: IPv6Network("::/16").num_addresses}
"""How many public addresses an allow-list may hold by IP version, one IPv4 /8 or one IPv6 /16: hardly an organisation
has more, and whatever is larger is a way to write the whole internet, such as by its halves."""


def without(networks: Networks, holes: Networks) -> list[IPv4Network | IPv6Network]:
    """Returns ``networks`` without the addresses of ``holes``, as the fewest networks, in order."""
    left: Iterable[IPv4Network | IPv6Network] = networks
    for hole in holes:
        left = [part for network in left for part in _cut(network, hole)]
    parts = list(left)
    return [
        *collapse_addresses(part for part in parts if isinstance(part, IPv4Network)),
        *collapse_addresses(part for part in parts if isinstance(part, IPv6Network)),
    ]


def public_fault(networks: Networks) -> str | None:
    """Returns what part of the internet ``networks`` hold where it is more than any organisation has, or None."""
    public = without(networks, [*PRIVATE, *LOCAL])
    for version, widest in WIDEST.items():
        parts = [network for network in public if network.version == version]
        if sum(network.num_addresses for network in parts) > widest:
            largest = min(parts, key=lambda network: network.prefixlen)
            shown = next((n for n in networks if n.overlaps(largest)), largest)  # as it was written
            whole = "the whole internet" if shown.prefixlen == 0 else f"a large part of the internet (IPv{version})"
            return f"holds {shown}, {whole}"
    for network in networks:
        if isinstance(network, IPv6Network) and network.supernet_of(MAPPED):
            return f"holds {network}, the whole internet (of IPv4, as {MAPPED})"
    return None


def not_private(networks: Networks) -> list[IPv4Network | IPv6Network]:
    """Returns those of ``networks`` that are not wholly private."""
    return [network for network in networks if without([network], PRIVATE)]


def _cut(network: IPv4Network | IPv6Network, hole: IPv4Network | IPv6Network) -> Iterable[IPv4Network | IPv6Network]:
    if isinstance(network, IPv4Network) and isinstance(hole, IPv4Network) and network.overlaps(hole):
        return [] if network.subnet_of(hole) else network.address_exclude(hole)
    if isinstance(network, IPv6Network) and isinstance(hole, IPv6Network) and network.overlaps(hole):
        return [] if network.subnet_of(hole) else network.address_exclude(hole)
    return [network]


def bind_fault(bound: Addresses) -> Refusal | None:
    """Returns which of the addresses no front could listen on, or None.

    The engine has a port once for each: all IPv4 addresses hold each of IPv4, and none of IPv6.
    """
    for place, address in enumerate(bound):
        item = f"--path 'bindAddresses[{place}]'"
        if address.is_multicast or (address.version == 6 and address.is_link_local):
            words = f"holds {address}, on which nothing can listen" + (
                "" if address.is_multicast else " without a zone"
            )
            return one_too_many("bindAddresses", words, typed=item)
        others = [other for at, other in enumerate(bound) if at != place and other.version == address.version]
        if any(other.is_unspecified for other in others) or address in bound[:place]:
            words = f"holds {address}, where another one of them publishes the port already"
            return one_too_many("bindAddresses", words, typed=item)
    return None


def resolver_fault(resolvers: Addresses) -> str | None:
    """Returns why the egress proxy could not ask one of ``resolvers``, or None: it asks from its own network."""
    for address in resolvers:
        if address.is_loopback or address.is_unspecified:
            return f"holds {address}, which is the egress proxy's container itself, and no resolver is there"
        if address.version != 4:
            return f"holds {address}, but the egress proxy's network has IPv4 alone"
    return None


def access_fault(callers: Networks, everyone: bool, host_on_v6: bool, private: Networks) -> tuple[str, str] | None:
    """Returns which setting lets in, or out, more than it should, and why; None when none does.

    :param everyone: whether the whole internet may call.
    :param host_on_v6: whether the host may call a gateway that is published on IPv6.
    """
    if not everyone and (public := public_fault(callers)):
        return "allowedCidrs", f"{public}, but allowPublicAccess is not true"
    if not_ours := not_private(private):
        return "egressPrivateCidrs", f"holds {not_ours[0]}, which is not a private network"
    if host_on_v6:
        # An engine without ip6tables forwards IPv6 clients from the bridge's own address: they would be "the host".
        return "allowHost", "must be false while bindAddresses holds an IPv6 address that is not loopback"
    return None
