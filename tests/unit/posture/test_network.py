"""What the network checks make of an engine's answers."""

from dataclasses import replace
from typing import Any

import pytest

import posture.checks  # noqa: F401 - fills the registry
from posture.model import REGISTRY
from posture.running import Running
from tests.unit.posture.conftest import INSIDE, Make

CLOSED = {"Name": "net", "Internal": True, "Options": {"com.docker.network.bridge.inhibit_ipv4": "true"}}


def judged(make: Make, id_: str, **networks: Any) -> tuple[str, str]:
    context = make()
    seen = context.running
    context.running = Running(seen.containers, networks, seen.images, seen.volume, seen.engine)
    outcome = REGISTRY[id_].run(context)
    return outcome.status.value, outcome.evidence


@pytest.mark.parametrize(
    ("networks", "status", "evidence"),
    [
        ({"net": CLOSED}, "pass", "on net, internal and without the host"),
        ({}, "fail", "the backend network is not internal"),
        ({"net": {**CLOSED, "Internal": False}}, "fail", "the backend network is not internal"),
        ({"net": {**CLOSED, "Options": None}}, "fail", "the host has an address on the backend network"),
        ({"net": {**CLOSED, "Options": {}}}, "fail", "the host has an address on the backend network"),
    ],
)
def test_litellms_network_is_closed(make: Make, networks: dict[str, Any], status: str, evidence: str) -> None:
    assert judged(make, "network.backend-closed", **networks) == (status, evidence)


def test_a_second_network_of_litellm_is_named(make: Make) -> None:
    def change(found: dict[str, Any]) -> None:
        found["litellm"]["NetworkSettings"]["Networks"]["other"] = {}

    outcome = REGISTRY["network.backend-closed"].run(make(change))
    assert outcome.status.value == "fail"
    assert outcome.evidence.startswith("litellm is on other too; ")


def test_the_gateway_stands_on_closed_networks_alone(make: Make) -> None:
    def change(found: dict[str, Any]) -> None:
        found["gateway"]["NetworkSettings"]["Networks"]["edge"] = {}

    outcome = REGISTRY["network.gateway-closed"].run(make(change))
    assert outcome.status.value == "fail"
    assert "gateway is on edge too" in outcome.evidence


def test_whoever_stands_where_addresses_are_said_is_named(make: Make) -> None:
    """In this bed all are on one network, which is the door's, too."""
    outcome = REGISTRY["network.door-shut"].run(make())
    assert (outcome.status.value, outcome.evidence) == ("fail", "litellm is on net; egress is on net")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(200, "pass"), (503, "warn"), ("TimeoutError", "warn"), (403, "fail"), ("ConnectionRefusedError", "fail")],
)
def test_a_network_that_leads_nowhere_at_the_moment_is_no_fault_of_the_proxys(
    make: Make, answer: int | str, expected: str
) -> None:
    context = make(inside=replace(INSIDE, tunnels={**INSIDE.tunnels, "allowed": answer}))
    assert REGISTRY["network.egress-passes"].run(context).status.value == expected
