"""Whether something else has the gateway's port, before an update replaces anything."""

import errno
import socket
from collections.abc import Collection
from ipaddress import ip_address
from pathlib import Path

from rules.stack_settings import setting

METRICS = "metricsPort"
ALONE = ("metricsAddress", "--path 'bindAddresses[0]'")
"""What is set to another address; the other addresses are removed."""


def problem(address: str, port: int, name: str = "port", where: str = "--path 'bindAddresses[0]'") -> str | None:
    """What keeps this machine from listening there, or None; what only root may do is left to the engine.

    ``name`` is the setting that asks for the port, ``where`` how the one that asks for the address is typed.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((address, port))
    except (OverflowError, TypeError):  # no port, no name of a host
        return None  # the settings' own rules refuse it
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            leave_out = f"set {where} 127.0.0.1" if where in ALONE else f"rm {where}"
            return (
                f"this machine has no IPv6, and {address} is an IPv6 address. Leave it out: pulumi config {leave_out}"
            )
        if error.errno == errno.EADDRINUSE:
            return (
                f"port {port} on {address} is taken by another program (see: ss -ltnp 'sport = :{port}'). "
                f"Stop it, or choose another port: pulumi config set {name} NUMBER"
            )
        if error.errno == errno.EADDRNOTAVAIL:
            return f"this machine has no address {address}. Correct it: pulumi config set {where} ADDRESS"
    return None


def _ours(address: str, port: int, held: Collection[tuple[str, int]]) -> bool:
    """Whether what the stack has already is there: however the address is written, and at all addresses for each."""
    try:
        wanted = ip_address(address)
    except ValueError:
        return False
    own = [ip_address(host) for host, number in held if number == port]
    return any(
        one == wanted or (one.is_unspecified or wanted.is_unspecified) for one in own if one.version == wanted.version
    )


def problems(stack: str, root: Path, held: Collection[tuple[str, int]] = ()) -> list[str]:
    """Returns a sentence for each port that the stack cannot have on this machine; ``held`` are those that it has."""
    if not str(setting("dockerHost", stack, root) or "unix:").startswith("unix:"):
        return []
    addresses = setting("bindAddresses", stack, root) or []
    if not isinstance(addresses, list):
        return []  # Pulumi refuses it
    bound = [(address, f"--path 'bindAddresses[{index}]'") for index, address in enumerate(addresses)]
    metrics = [(setting("metricsAddress", stack, root), "metricsAddress")]
    places = {"port": bound, "redirectPort": bound, METRICS: metrics}
    try:
        wanted = [
            (str(address), int(port), name, where)
            for name, hosts in places.items()
            if (port := setting(name, stack, root))
            for address, where in hosts
        ]
    except (TypeError, ValueError, OverflowError):
        return []  # Pulumi refuses it
    found = (problem(*one) for one in wanted if not _ours(*one[:2], held))
    return [f"{text} --stack {stack}" for text in found if text]
