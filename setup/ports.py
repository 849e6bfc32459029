#!/usr/bin/env python3
"""Refuses to go on when something else has the gateway's port. Usage: ports.py STACK.

Looks only where it can know: the engine is this machine's own, and no gateway of the stack holds the port already.
"""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

PROJECT = "litellm-claude"


def setting(name: str, stack: str, root: Path) -> Any:
    """A setting as the stack has it, else its default in Pulumi.yaml; None when neither is there."""
    settings = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text()) or {}
    declared = (yaml.safe_load((root / "Pulumi.yaml").read_text()).get("config") or {}).get(name) or {}
    default = declared.get("default") if isinstance(declared, dict) else declared
    return (settings.get("config") or {}).get(f"{PROJECT}:{name}", default)


def problem(address: str, port: int) -> str | None:
    """What keeps this machine from listening there, or None; what only root may do is left to the engine."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((address, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return (
                f"port {port} on {address} is taken by another program (see: ss -ltnp 'sport = :{port}'). "
                "Stop it, or choose another port: pulumi config set port NUMBER"
            )
        if error.errno == errno.EADDRNOTAVAIL:
            return (
                f"this machine has no address {address}. "
                "Correct it: pulumi config set --path 'bindAddresses[0]' ADDRESS"
            )
    return None


def gateway_runs(stack: str) -> bool:
    """Whether the stack's own gateway runs, which then has the port rightly."""
    filters = [f"label=litellm-claude.stack={PROJECT}-{stack}", "label=litellm-claude.role=gateway"]
    command = ["docker", "ps", "--quiet", *(part for f in filters for part in ("--filter", f))]
    return bool(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())  # noqa: S603 - fixed words


def main(stack: str, root: Path) -> int:
    """The exit status: 1 with a sentence on standard error when a port cannot be had."""
    if not os.environ.get("DOCKER_HOST", "unix:").startswith("unix:") or setting("dockerHost", stack, root):
        return 0
    if gateway_runs(stack):
        return 0
    ports = filter(None, (setting("port", stack, root), setting("redirectPort", stack, root)))
    addresses = setting("bindAddresses", stack, root) or []
    problems = [text for port in ports for address in addresses if (text := problem(str(address), int(port)))]
    for text in problems:
        sys.stderr.write(f"error: {text} --stack {stack}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(__file__).resolve().parent.parent))
