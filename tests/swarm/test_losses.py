"""A node that is lost, cut off, or back again: who is asked elsewhere is served, and nobody else is let in."""

import time
from collections.abc import Callable, Iterator

import pytest

from ops.convergence import converge
from ops.engine import Engine
from testbed.nodes import Node
from tests.swarm.bed import Bed, until
from tests.swarm.load import load

pytestmark = [pytest.mark.swarm, pytest.mark.timeout(900)]

SECONDS = 10
"""So long after a loss new requests to the other nodes may wait, or fail."""


@pytest.fixture(autouse=True)
def all_are_back(bed: Bed) -> Iterator[None]:
    yield
    for node in bed.swarm.nodes:
        if not node.running:
            node.start()
    bed.settled()


def the_others_serve(bed: Bed, what: str, lost: Node, lose: Callable[[], None]) -> None:
    """Loses a node under load on the others: ten seconds later no request to them fails or waits any more."""
    others = [node for node in bed.swarm.nodes if node is not lost]
    with load(bed, others, bed.key("many")) as seen:
        time.sleep(2)
        began = time.monotonic()
        lose()
        time.sleep(3 * SECONDS)  # the swarm says that the node is down, and starts elsewhere what ran there
    bed.figures.append(f"{what}: {seen.described()}; the last one failed after {seen.ended(began):.1f} s")
    later = began + SECONDS
    assert seen.failed(later) == {}
    assert max(one.seconds for one in seen.requests if one.began >= later) < SECONDS


def only_the_allowed_reach(bed: Bed, nodes: list[Node]) -> None:
    for node in nodes:
        assert bed.curl(bed.friend, node, "/healthz") != "000"
        assert bed.curl(bed.stranger, node, "/healthz") == "000"


def test_a_killed_node_is_made_up_for_within_ten_seconds_and_comes_back(bed: Bed) -> None:
    lost = bed.swarm.nodes[2]
    the_others_serve(bed, "killed node", lost, lost.kill)
    only_the_allowed_reach(bed, bed.swarm.nodes[:2])
    left = {node.name for node in bed.swarm.nodes[:2]}
    until(lambda: bed.running("litellm") == 2 and {task["Node"] for task in bed.tasks("litellm")} <= left, 180)
    services = bed.swarm.first.docker("service", "ls", "--quiet").split()
    converge(Engine(bed.swarm.first.url), services, 30, "an update would not wait for the lost node")
    lost.start()
    bed.settled()
    only_the_allowed_reach(bed, bed.swarm.nodes)
    assert bed.stack.changes() == {}


def test_a_killed_leader_of_three_managers_is_made_up_for(bed: Bed) -> None:
    leader = next(node for node in bed.swarm.nodes if node.leads())
    the_others_serve(bed, "killed leader", leader, leader.kill)
    others = [node for node in bed.swarm.nodes if node is not leader]
    assert sum(node.leads() for node in others) == 1
    only_the_allowed_reach(bed, others)
    leader.start()
    bed.settled()
    assert bed.stack.changes() == {}


def test_a_node_cut_off_from_the_others_lets_nobody_in_and_is_one_of_them_again(bed: Bed) -> None:
    alone, *others = bed.swarm.nodes[2], *bed.swarm.nodes[:2]
    hosts = [node.host for node in others]
    try:
        the_others_serve(bed, "partition", alone, lambda: bed.swarm.hub.part(alone.host, hosts))
        only_the_allowed_reach(bed, others)
        assert bed.curl(bed.stranger, alone, "/healthz") == "000"
    finally:
        bed.swarm.hub.join(alone.host, hosts)
    bed.settled()
    only_the_allowed_reach(bed, bed.swarm.nodes)
    assert bed.stack.changes() == {}
