"""Where things are in a stack: names, ports and paths that the program, the checks and the operations share."""

from pathlib import Path

PROJECT = "litellm-claude"
LABEL = PROJECT
"""Prefix of the labels by which a stack's containers, networks and volumes are found again."""
STACK_LABEL, ROLE_LABEL = f"{LABEL}.stack", f"{LABEL}.role"
REPLICA_LABEL = f"{LABEL}.replica"
"""On all containers but the first that play the same role: which one it is, from 2 on."""
EGRESS_LABEL = f"{LABEL}.egress"
"""On LiteLLM in a Swarm: with which egress proxies its tasks began."""
IMAGES = Path(__file__).parent.parent / "images"
"""A folder for each image, with what it is built from."""
LITELLM_PORT = 4000
GATEWAY_TLS_PORT = 8443
GATEWAY_PLAIN_PORT = 8080
"""The first of as many ports as there can be addresses: each address is published from a port of its own, because the
order in which an engine lists several addresses of one port differs, and would show as a change."""
GATEWAY_METRICS_PORT = 8090
CLAUDE_CONFIG_DIR = "/home/app/.claude"
"""Where the volume of the Claude login is mounted in the LiteLLM container."""
USAGE_DIR = "/home/app/usage"
"""Where a stack that keeps usage has the volume of it in the LiteLLM container."""
ACME_DIR = "/var/lib/acme"
"""Where the acme container has its volume: the account at the CA, and what lego keeps."""
CERTIFICATE_DIR = "/srv/certificate"
"""Where it hands certificates over, on a volume that the gateway reads: a folder for each name."""


def stack_name(stack: str) -> str:
    """Returns the stack's own name, of ``organisation/project/stack`` the last part."""
    return stack.rpartition("/")[2]


def acme_volumes(stack: str) -> dict[str, str]:
    """Returns the names of the volumes of a stack with ``tls: acme`` by what they hold; they outlive it."""
    return {"acme": f"{stack}-acme", "certificate": f"{stack}-certificate"}


def short(identifier: str) -> str:
    """Returns the digits of an id or a digest that Docker shows (``docker ps``), of an image by digest, too."""
    return identifier.rpartition(":")[2][:12]


def numbered(role: str, number: int) -> str:
    """Returns what the ``number``-th container that plays ``role`` is called; the first has the role's name."""
    return role if number == 1 else f"{role}-{number}"
