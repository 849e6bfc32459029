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

from testbed.deployment import Deployment, deployment
from testbed.hosts import Host, Internet, host, internet
from tests.integration.new_project import Project, new_project

TOKEN = "sk-ant-oat01-of-the-tests"
PRIVATE = "internal.anthropic.com"

last_test: dict[str, str] = {}  # by a fixture's name: the node id of the last test that asks for it
standing: dict[str, ExitStack] = defaultdict(ExitStack)  # by a fixture's name: what ends its stack


def pytest_collection_finish(session: pytest.Session) -> None:
    """Notes which test is the last one on each shared stack."""
    last_test.update({name: item.nodeid for item in session.items for name in getattr(item, "fixturenames", ())})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Takes down the stacks that were needed for the last time."""
    yield
    for name, stack in standing.items():
        if last_test[name] == item.nodeid:
            stack.close()


def shared(fixture: str, kind: str, token: str | None = None, **settings: Any) -> Iterator[Deployment]:
    """What a fixture yields: its stack, up, with an OAuth token if given; it ends with its last test or the session."""
    with standing[fixture] as until:
        made = until.enter_context(deployment(kind, **settings))
        if token:
            made.set_secret("claudeOauthToken", token)
        made.up()
        yield made


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


@pytest.fixture(scope="session")
def dev(net: Internet) -> Iterator[Deployment]:
    """A development stack, up, with an OAuth token."""
    yield from shared("dev", "dev", TOKEN, port=14100, **net.settings)


@pytest.fixture(scope="session")
def prod(net: Internet, friend: Host) -> Iterator[Deployment]:
    """A production stack, up: published on IPv4 and IPv6, a generated key, the friend's networks allowed."""
    yield from shared(
        "prod",
        "prod",
        TOKEN,
        port=14443,
        hostname=friend.machine,
        bindAddresses=["0.0.0.0", "::"],
        allowHost=False,
        allowedCidrs=[friend.network, friend.network6],
        egressAllow=["api.anthropic.com", PRIVATE],
        drainSeconds=5,
        **net.settings,
    )


@pytest.fixture(scope="session")
def plain(net: Internet) -> Iterator[Deployment]:
    """A production stack as it comes, up: with a generated key, and nobody logged in."""
    yield from shared("plain", "prod", port=14731, drainSeconds=5, **net.settings)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that `pulumi new` made; the first test that uses it brings it up."""
    with standing["project"] as until:
        yield until.enter_context(new_project(Path(tmp_path_factory.mktemp("new"))))


@pytest.fixture(scope="session")
def authority(prod: Deployment, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of the CA certificate, as a client would keep it."""
    path = Path(tmp_path_factory.mktemp("ca")) / "ca.pem"
    path.write_text(prod.output("ca_certificate"))
    return str(path)
