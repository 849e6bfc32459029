"""The stacks that the tests share, all in front of an internet of the tests' own.

Each is made when a test first asks for it, and taken down after the last one that does: an idle stack costs the others
a part of a processor. Tests that share a stack run on one worker, in order (tests/conftest.py).
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.deployment import Deployment, deployment
from tests.integration.hosts import Host, Internet, host, internet

TOKEN = "sk-ant-oat01-of-the-tests"
PRIVATE = "internal.anthropic.com"

ended_with: dict[str, list[str]] = defaultdict(list)  # a test's node id: the fixtures that no later test asks for
standing: dict[str, ExitStack] = defaultdict(ExitStack)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Notes which test is the last one on each shared stack."""
    last = {name: item.nodeid for item in session.items for name in getattr(item, "fixturenames", ())}
    for name in ("dev", "prod", "plain"):
        if name in last:
            ended_with[last[name]].append(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Takes down the stacks that were needed for the last time."""
    yield
    for name in ended_with[item.nodeid]:
        standing[name].close()


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """The internet: the upstream's names lead to the fake API; one further name leads to a private address."""
    with internet(Path(tmp_path_factory.mktemp("internet")), {PRIVATE: "172.17.0.1"}) as made:
        yield made


@pytest.fixture(scope="session")
def friend() -> Iterator[Host]:
    """A client host on the production stack's allow-list."""
    with host() as made:
        yield made


@pytest.fixture(scope="session")
def stranger() -> Iterator[Host]:
    """A client host that is on no list."""
    with host() as made:
        yield made


def reaching(net: Internet) -> dict[str, Any]:
    """Settings of a stack whose upstream is the fake API."""
    return {
        "egressDns": [net.host.address],
        "egressPrivateCidrs": [f"{net.host.address}/32"],
        "upstreamCaCertificates": net.ca,
    }


@pytest.fixture(scope="session")
def dev(net: Internet) -> Iterator[Deployment]:
    """A development stack, up, with an OAuth token."""
    with standing["dev"] as until:
        made = until.enter_context(deployment("dev", port=14100, **reaching(net)))
        made.set_secret("claudeOauthToken", TOKEN)
        made.up()
        yield made


@pytest.fixture(scope="session")
def prod(net: Internet, friend: Host) -> Iterator[Deployment]:
    """A production stack, up: published on IPv4 and IPv6, a generated key, the friend's networks allowed."""
    settings = {
        "hostname": friend.machine,
        "bindAddresses": ["0.0.0.0", "::"],
        "allowHost": False,
        "allowedCidrs": [friend.network, friend.network6],
        "egressAllow": ["api.anthropic.com", PRIVATE],
        "drainSeconds": 5,
    }
    with standing["prod"] as until:
        made = until.enter_context(deployment("prod", port=14443, **settings, **reaching(net)))
        made.set_secret("claudeOauthToken", TOKEN)
        made.up()
        yield made


@pytest.fixture(scope="session")
def plain(net: Internet) -> Iterator[Deployment]:
    """A production stack as it comes, up: with a generated key, and nobody logged in."""
    with standing["plain"] as until:
        made = until.enter_context(deployment("prod", port=14731, drainSeconds=5, **reaching(net)))
        made.up()
        yield made


@pytest.fixture(scope="session")
def authority(prod: Deployment, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of the CA certificate, as a client would keep it."""
    path = Path(tmp_path_factory.mktemp("ca")) / "ca.pem"
    path.write_text(prod.output("ca_certificate"))
    return str(path)
