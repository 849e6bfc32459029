"""Whether something else has the gateway's port, before an update replaces anything."""

import errno
import socket
from collections.abc import Collection
from pathlib import Path

from setup.stack_settings import setting

METRICS = "metricsPort"


def problem(address: str, port: int, name: str = "port") -> str | None:
    """What keeps this machine from listening there, or None; what only root may do is left to the engine.

    ``name`` is the setting that asks for the port.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((address, port))
    except OverflowError:
        return None  # the settings' own rules refuse it
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            return (
                f"this machine has no IPv6, and {address} is an IPv6 address. "
                "Leave it out: pulumi config set --path 'bindAddresses[0]' 127.0.0.1"
            )
        if error.errno == errno.EADDRINUSE:
            return (
                f"port {port} on {address} is taken by another program (see: ss -ltnp 'sport = :{port}'). "
                f"Stop it, or choose another port: pulumi config set {name} NUMBER"
            )
        if error.errno == errno.EADDRNOTAVAIL:
            where = "metricsAddress" if name == METRICS else "--path 'bindAddresses[0]'"
            return f"this machine has no address {address}. Correct it: pulumi config set {where} ADDRESS"
    return None


def problems(stack: str, root: Path, held: Collection[tuple[str, int]] = ()) -> list[str]:
    """Returns a sentence for each port that the stack cannot have on this machine; ``held`` are those that it has."""
    if setting("dockerHost", stack, root):
        return []
    addresses = setting("bindAddresses", stack, root) or []
    if not isinstance(addresses, list):
        return []  # Pulumi refuses it
    places = {"port": addresses, "redirectPort": addresses, METRICS: [setting("metricsAddress", stack, root)]}
    try:
        wanted = [
            (str(address), int(port), name)
            for name, hosts in places.items()
            if (port := setting(name, stack, root))
            for address in hosts
        ]
    except (TypeError, ValueError, OverflowError):
        return []  # Pulumi refuses it
    found = (problem(*one) for one in wanted if one[:2] not in held)
    return [f"{text} --stack {stack}" for text in found if text]
