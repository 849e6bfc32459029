"""One swarm and one stack for all tests of this folder; each leaves both as it found them."""

from collections.abc import Iterator

import pytest

from testbed.deployment import deployment
from testbed.operations import Operations
from testbed.swarm import Swarm, encrypts, kernel, swarm
from tests.swarm.bed import HOSTNAME, PORT, Bed, published

FEW = 6
FIGURES: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was measured."""
    for figure in FIGURES:
        terminalreporter.write_line(figure)


@pytest.fixture(scope="session")
def nodes() -> Iterator[Swarm]:
    with swarm() as made:
        yield made


@pytest.fixture(scope="session")
def bed(nodes: Swarm) -> Iterator[Bed]:
    with (
        nodes.client(0) as friend,
        nodes.client(1) as stranger,
        deployment(
            "prod",
            orchestrator="swarm",
            registry=f"http://{nodes.registry}",
            overlayEncryption=encrypts(kernel()),
            dockerHost=nodes.first.url,
            hostname=HOSTNAME,
            port=PORT,
            allowHost=False,
            allowedCidrs=[friend.network, f"{nodes.hub.machine}/32"],
            replicas=2,
            litellmMemoryMib=1024,
            drainSeconds=20,
            maxConnectionsPerSource=1000,
            **{"clients.few.requestsPerMinute": FEW, "clients.many.requestsPerMinute": 1_000_000},
            **published(nodes),
            **nodes.net.settings,
        ) as stack,
    ):
        stack.set_secret("anthropicApiKey", "sk-ant-of-the-swarm")
        stack.up()
        made = Bed(nodes, stack, Operations(stack), friend, stranger, FIGURES)
        made.settled()
        yield made
