"""One swarm and one stack for all tests of this folder; each leaves both as it found them."""

from collections.abc import Iterator

import pytest

from testbed.swarm import Swarm, encrypts, kernel, swarm
from tests.swarm.bed import METRICS_PORT, PORT, Bed, one_stack, published

FEW, WRONG = 6, 10
FIGURES: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was measured, and what could not be tried."""
    if FIGURES and not encrypts(kernel()):
        terminalreporter.write_line("not tried: encrypted overlays, because this kernel has no ESP (or no GCM)")
    for figure in FIGURES:
        terminalreporter.write_line(figure)


@pytest.fixture(scope="session")
def nodes() -> Iterator[Swarm]:
    with swarm() as made:
        yield made


@pytest.fixture(scope="session")
def images(nodes: Swarm) -> dict[str, str]:
    """Settings that name what is in the swarm's registry."""
    return published(nodes)


@pytest.fixture(scope="session")
def bed(nodes: Swarm, images: dict[str, str]) -> Iterator[Bed]:
    with one_stack(
        nodes,
        (0, 1),
        PORT,
        FIGURES,
        orchestrator="swarm",
        registry=f"http://{nodes.registry}",
        overlayEncryption=encrypts(kernel()),
        metricsPort=METRICS_PORT,
        replicas=2,
        litellmMemoryMib=1024,
        drainSeconds=20,
        maxConnectionsPerSource=1000,
        failedAuthPerMinute=WRONG,
        **{"clients.few.requestsPerMinute": FEW, "clients.many.requestsPerMinute": 1_000_000},
        **images,
    ) as made:
        made.stack.set_secret("anthropicApiKey", "sk-ant-of-the-swarm")
        made.stack.up()
        made.settled()
        yield made
