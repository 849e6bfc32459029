"""What the network checks make of an engine's answers."""

from dataclasses import replace
from typing import Any

import pytest

import posture.checks  # noqa: F401 - fills the registry
from posture.model import REGISTRY
from posture.running import Running
from tests.unit.posture.conftest import INSIDE, Make
from tests.unit.posture.test_outcomes import outcome

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
        ({"net": {**CLOSED, "EnableIPv6": False}}, "pass", "on net, internal and without the host"),
        ({"net": {**CLOSED, "EnableIPv6": True}}, "fail", "the host has an IPv6 address on the backend network"),
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


@pytest.mark.parametrize(
    ("port", "settings", "expected"),
    [
        (443, {}, ("exception", "443 is the declared port of HTTPS; in the container an unprivileged one listens")),
        (1023, {}, ("fail", "gateway publishes 1023")),
        (1024, {}, ("pass", "none below 1024")),
        (80, {"redirectPort": 80}, ("exception", "80 is the declared port of HTTPS; in the container an unprivileged")),
    ],
)
def test_a_privileged_port_is_a_declared_one(
    make: Make, port: int, settings: dict[str, Any], expected: tuple[str, str]
) -> None:
    """CIS Docker 5.8; ip(7): ports below 1024 are privileged."""

    def change(found: dict[str, Any]) -> None:
        found["gateway"]["NetworkSettings"]["Ports"] = {
            "8443/tcp": [{"HostIp": "", "HostPort": str(port)}],
            "1/tcp": None,
        }

    found = outcome(make(change, settings={"port": 443, **settings}), "cis.5.8")
    assert found[0] == expected[0]
    assert found[1].startswith(expected[1])


@pytest.mark.parametrize(
    ("bound", "who", "where", "expected"),
    [
        (["10.0.0.5"], "front", "10.0.0.5", ("pass", "10.0.0.5")),
        (["0.0.0.0"], "front", "0.0.0.0", ("exception", "bindAddresses asks for every interface; ")),
        (["10.0.0.5"], "front", "0.0.0.0", ("fail", "front ")),
        (["0.0.0.0"], "gateway", "0.0.0.0", ("fail", "gateway ")),
    ],
)
def test_every_interface_is_bound_where_it_was_asked_for(
    make: Make, bound: list[str], who: str, where: str, expected: tuple[str, str]
) -> None:
    """CIS Docker 5.14 binds a container's port to one interface."""

    def change(found: dict[str, Any]) -> None:
        found[who]["NetworkSettings"]["Ports"] = {"8443/tcp": [{"HostIp": where, "HostPort": "4000"}]}

    found = outcome(make(change, settings={"bindAddresses": bound}), "cis.5.14")
    assert found[0] == expected[0]
    assert found[1].startswith(expected[1])
