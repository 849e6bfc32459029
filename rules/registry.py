"""The registry from which the nodes of a Swarm pull the stack's images."""

import json
from collections.abc import Mapping
from pathlib import Path

PLAIN = "http://"
"""Before a registry without TLS, as on a network of its own; what is pulled is named by its digest all the same."""


def place(registry: str) -> str:
    """Returns how the names of images begin that are kept there."""
    return registry.removeprefix(PLAIN)


def host(registry: str) -> str:
    """Returns the registry's host, with its port if it has one."""
    return place(registry).partition("/")[0]


def address(registry: str) -> str:
    """Returns where the registry is asked."""
    return f"{PLAIN if registry.startswith(PLAIN) else 'https://'}{host(registry)}"


def signed_in(registry: str, environment: Mapping[str, str]) -> bool:
    """Whether docker's client on this machine has signed in there (``docker login``); never without TLS."""
    if registry.startswith(PLAIN):
        return False
    folder = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME", "~")).expanduser() / ".docker")
    try:
        known = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError):
        return False
    return any(host(registry) in (known.get(kind) or {}) for kind in ("auths", "credHelpers"))
