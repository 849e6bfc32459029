"""Which address the gateway sees when this machine calls it at an address of its own that is none of loopback's.

The engine's firewall rules lead such a call to the front as it is. Where they were flushed (``flush ruleset`` of
nftables, a firewall that is loaded anew), docker-proxy takes it, and all that it takes looks like loopback's,
those of outsiders, too.
"""

import copy
import json
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

from posture.edge import Edge
from posture.engine import Engine
from rules.waiting import until

ELSEWHERE = {4: "192.0.2.1", 6: "2001:db8::1"}
"""Addresses of nobody (RFC 5737, RFC 3849). Nothing is sent there: what matters is from where it would be."""
SECONDS = 2
"""How long a line of the log may take."""


def outward(edge: Edge) -> str | None:
    """Returns the address at which an outsider would call; None when only loopback leads there, or there is none."""
    bound = next((one for one in edge.declaration.settings.bind_addresses if not one.is_loopback), None)
    if bound is None:
        return None
    if not bound.is_unspecified:
        return str(bound)
    if edge.local:
        return _own(bound)
    return None if edge.address is None or _is_loopback(edge.address) else edge.address  # of an engine behind a tunnel


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _own(bound: IPv4Address | IPv6Address) -> str | None:
    family = socket.AF_INET if bound.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as unsent:
            unsent.connect((ELSEWHERE[bound.version], 9))
            return str(unsent.getsockname()[0])
    except OSError:
        return None


def seen(edge: Edge, engine: Engine, gateway: str, address: str) -> str | None:
    """Returns the source that the log of the container ``gateway`` has for a call at ``address``; None: it was refused.

    Raises:
        EngineError: when the log cannot be read.
        LookupError: when the call does not come to stand in it.
    """
    there = copy.copy(edge)
    there.address = address
    answer = there.get("/healthz")
    if not answer.status:
        return None
    request, found = answer.headers.get("x-request-id", "-"), list[str]()

    def logged() -> bool:
        lines = engine.run("logs", "--tail", "500", gateway).splitlines()
        found.extend(json.loads(line)["source"] for line in lines if request in line and line.startswith("{"))
        return bool(found)

    if not until(logged, SECONDS):
        raise LookupError(f"no line of the gateway's log has the request at {address}")
    return found.pop()  # the only one: no two requests have the same id
