"""The front and the gateway as a stack has them, before a network of a test's own, by docker alone."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from testbed.container import ROOT, docker
from testbed.gateway import user_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import trustme


@contextlib.contextmanager
def gateway(net: str, authority: trustme.CA, more: dict[str, str] | None = None) -> Iterator[str]:
    """The front and the gateway, as the stack has them, before `net`; yields the front's address."""
    issued = authority.issue_cert("localhost")
    variables = {
        "GATEWAY_ALLOW_HOST": "true",
        "GATEWAY_TLS_CERTIFICATE": b"".join(blob.bytes() for blob in issued.cert_chain_pems).decode(),
        "GATEWAY_TLS_PRIVATE_KEY": issued.private_key_pem.bytes().decode(),
        **(more or {}),
    }
    names = {"edge": f"{net}-edge", "door": f"{net}-door", "front": f"{net}-front", "gateway": f"{net}-gateway"}
    docker("network", "create", names["edge"])
    docker(
        "network", "create", "--internal", names["door"]
    )  # else it may be the way to the host, and the edge's is none
    try:
        start("gateway", names["gateway"], (names["door"], net), variables)
        start("front", names["front"], (names["edge"], names["door"]), {})
        shown = f'{{{{(index .NetworkSettings.Networks "{names["edge"]}").IPAddress}}}}'
        yield docker("inspect", "--format", shown, names["front"])
    finally:
        docker("rm", "--force", names["front"], names["gateway"])
        docker("network", "rm", names["edge"], names["door"])


def start(role: str, name: str, networks: tuple[str, str], variables: dict[str, str]) -> None:
    """Starts HAProxy as `role`, under its aliases on the first of its networks."""
    image = f"litellm-claude-bench-{role}"
    docker("build", "--quiet", "--tag", image, str(ROOT / "images" / role))
    options = ["--read-only", "--cap-drop=ALL", f"--tmpfs=/run/{role}:{user_of(image)},mode=0700"]
    options += [f"--network-alias={role}", f"--network-alias={role}-door"]
    environment = [f"--env={key}={value}" for key, value in variables.items()]
    docker("create", "--name", name, "--network", networks[0], *options, *environment, image)
    docker("network", "connect", networks[1], name)
    docker("start", name)
