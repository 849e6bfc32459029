"""The whole stack for the suite: HTTPS gateway, LiteLLM, Claude CLI, egress proxy, and the fake API as its internet."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from testbed.container import TOKEN, Gateway
from testbed.deployment import deployment
from testbed.hosts import internet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PORT = 14771


@contextmanager
def whole_stack(folder: Path) -> Iterator[Gateway]:
    """A production stack, up; its limits for one source are wide, because the whole suite is one source."""
    wide = {"maxConnectionsPerSource": 1000, "failedAuthPerMinute": 1000, "drainSeconds": 5}
    with internet(folder) as net, deployment("prod", port=PORT, **wide, **net.settings) as stack:
        stack.set_secret("claudeOauthToken", TOKEN)
        stack.up()
        authority = folder / "ca.pem"
        authority.write_text(stack.output("ca_certificate"))
        yield Gateway(
            url=stack.output("url"),
            key=stack.output("master_key"),
            fake_url=f"https://{net.host.address}",
            container=stack.container("litellm"),
            ca=str(authority),
            fake_trust=net.context,
        )
