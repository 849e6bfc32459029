"""The registry from which the nodes of a Swarm pull the stack's images."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

PLAIN = "http://"
"""Before a registry without TLS, as on a network of its own; what is pulled is named by its digest all the same."""
FORM = re.compile(
    r"(?:http://)?(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(?P<port>\d{1,5}))?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
)
HIGHEST_PORT = 65535
DOCKER_HUB = re.compile(r"(?:[a-z0-9-]+\.)*docker\.io|(?:registry\.)?hub\.docker\.com")


def fault(value: str) -> str | None:
    """Returns why images cannot be kept there, in words that go on from the setting's name, or None."""
    found = FORM.fullmatch(value)
    if not found or int(found["port"] or 1) not in range(1, HIGHEST_PORT + 1):
        return "must be a registry's host, with a port and the beginning of names if need be"
    if DOCKER_HUB.fullmatch(found["host"]):
        return "must be another registry than Docker Hub, where an image's name has fewer parts than those of a stack"
    if not (found["port"] or "." in found["host"] or found["host"] == "localhost"):
        return "must be a host with a dot or a port: docker takes any other word for somebody's name at Docker Hub"
    return None


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
    if not isinstance(known, dict):
        return False
    return any(host(registry) in (known.get(kind) or {}) for kind in ("auths", "credHelpers"))
