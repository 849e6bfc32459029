"""The stacks that the tests share: one like dev, one like prod, both in front of an internet of the tests' own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.deployment import Deployment, deployment
from tests.integration.hosts import Host, Internet, host, internet

TOKEN = "sk-ant-oat01-of-the-tests"
PRIVATE = "internal.anthropic.com"


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """The internet: the upstream's names lead to the fake API; one further name leads to a private address."""
    with internet(Path(tmp_path_factory.mktemp("internet")), {PRIVATE: "172.17.0.1"}) as made:
        yield made


@pytest.fixture(scope="session")
def friend() -> Iterator[Host]:
    """A client host on the production stack's allow-list."""
    with host(2) as made:
        yield made


@pytest.fixture(scope="session")
def stranger() -> Iterator[Host]:
    """A client host that is on no list."""
    with host(3) as made:
        yield made


@pytest.fixture(scope="session")
def dev(net: Internet) -> Iterator[Deployment]:
    """A development stack, up, with an OAuth token."""
    with deployment(
        "dev",
        port=14100,
        egressDns=[net.host.address],
        egressPrivateCidrs=[f"{net.host.address}/32"],
        upstreamCaCertificates=net.ca,
    ) as made:
        made.set_secret("claudeOauthToken", TOKEN)
        made.up()
        yield made


@pytest.fixture(scope="session")
def prod(net: Internet, friend: Host) -> Iterator[Deployment]:
    """A production stack, up: published on IPv4 and IPv6, a generated key, the friend's networks allowed."""
    with deployment(
        "prod",
        port=14443,
        hostname=friend.machine,
        bindAddresses=["0.0.0.0", "::"],
        allowHost=False,
        allowedCidrs=[f"{friend.machine}/24".replace(".1/", ".0/"), "fd00:213:2::/64"],
        egressAllow=["api.anthropic.com", PRIVATE],
        egressDns=[net.host.address],
        egressPrivateCidrs=[f"{net.host.address}/32"],
        upstreamCaCertificates=net.ca,
        drainSeconds=5,
    ) as made:
        made.set_secret("claudeOauthToken", TOKEN)
        made.up()
        yield made
