"""One description of each part, and two ways to run it: what the containers have, the services of a Swarm have, too."""

import base64
import re
from typing import Any

import pytest

from tests.unit.components.conftest import Graph, deployed, plain
from tests.unit.components.test_swarm import ANSWERS, CONFIG, CREDENTIAL, NETWORK, SECRET, SETTINGS, container, service

ROLES = ("egress", "front", "gateway", "litellm", "valkey")
CHANGES: dict[str, Any] = {
    **SETTINGS,
    "replicas": 2,
    "metricsPort": 9464,
    "redirectPort": 80,
    "clients": {"alice": {"requestsPerMinute": 5}},
}
OWN = {
    "egress": {"EGRESS_DRAIN_SECONDS"},  # all LiteLLMs ask through all proxies
    "gateway": {"GATEWAY_FRONT_CIDRS", "GATEWAY_REPLICAS_HAVE_NAMES"},  # what a task cannot ask the DNS
    "litellm": {"CLAUDE_CONFIG_DIR", "REPLICA"},  # no login, and one name for all
}
"""What a Swarm alone tells a part, and why."""


@pytest.fixture(scope="module")
def both() -> tuple[Graph, Graph]:
    """The same settings on one engine, and on a Swarm."""
    one = deployed("prod", secrets=CREDENTIAL, answers=ANSWERS, **{**CHANGES, "orchestrator": "docker"})
    return one, deployed("prod", secrets=CREDENTIAL, answers=ANSWERS, **CHANGES)


def told(graph: Graph, role: str) -> dict[str, str]:
    """What a service is told, by whichever way."""
    made = {
        f"{one.name}-id": base64.b64decode(plain(one.inputs)["data"]).decode()
        for one in (*graph.of(SECRET), *graph.of(CONFIG))
    }
    spec = container(graph, role)
    files = [
        *((one["fileName"], one["secretId"]) for one in spec.get("secrets", [])),
        *((one["fileName"].rpartition("/")[2], one["configId"]) for one in spec.get("configs", [])),
    ]
    return {**spec.get("env", {}), **{name: made[identifier] for name, identifier in files}}


@pytest.mark.parametrize("role", ROLES)
def test_a_service_is_told_what_a_container_is_told(both: tuple[Graph, Graph], role: str) -> None:
    one, swarm = both
    here, there = one.env(role) if role != "front" else {}, told(swarm, role)
    assert there.keys() - here.keys() == OWN.get(role, set())
    assert here.keys() <= there.keys()
    assert {name: there[name] for name in here} == here


@pytest.mark.parametrize("role", ROLES)
def test_a_service_is_bounded_as_a_container_is(both: tuple[Graph, Graph], role: str) -> None:
    one, swarm = both
    here, there = plain(one.container(role).inputs), container(swarm, role)
    limits = service(swarm, role)["taskSpec"]["resources"]["limits"]
    assert (there["user"], there["readOnly"], there["capDrops"]) == (here["user"], True, here["capabilities"]["drops"])
    assert limits == {"memoryBytes": here["memory"] * 1024**2, "nanoCpus": float(here["cpus"]) * 1e9}
    assert there["healthcheck"]["tests"] == here["healthcheck"]["tests"]
    assert there.get("dnsConfig", {}).get("nameservers") == here.get("dns")
    sizes = {path: int(re.findall(r"size=(\d+)m", options)[0]) for path, options in here["tmpfs"].items()}
    assert {mount["target"]: mount["tmpfsOptions"]["sizeBytes"] / 1024**2 for mount in there["mounts"]} == sizes
    # It is root's in a service: a part that is not root writes there with the rights of anybody (tmpfs(5), mode).
    assert {mount["tmpfsOptions"]["mode"] for mount in there["mounts"]} == {0o777}
    uid, gid = there["user"].split(":")
    configs = {(one["fileUid"], one["fileGid"], one["fileMode"]) for one in there.get("configs", [])}
    assert configs <= {(uid, gid, 0o444)}, "nobody writes what a part is told"


@pytest.mark.parametrize("role", ROLES)
def test_a_service_has_the_networks_and_ports_that_a_container_has(both: tuple[Graph, Graph], role: str) -> None:
    one, swarm = both
    here, there = plain(one.container(role).inputs), service(swarm, role)
    names = {f"{network.name}-id": f"{network.name}-1a2b3c4" for network in swarm.of(NETWORK)}
    joined = {names[network["id"]] for network in there["taskSpec"]["networksAdvanceds"]}
    assert joined == {network["name"] for network in here["networksAdvanced"]}
    published = {(port["publishedPort"], port["targetPort"]) for port in there["endpointSpec"].get("ports", [])}
    assert published == {(port["external"], port["internal"]) for port in here.get("ports", [])}


def test_both_ways_have_the_same_parts_networks_and_keys(both: tuple[Graph, Graph]) -> None:
    one, swarm = both
    kept = ("network:Network", "randomPassword:RandomPassword", "privateKey:PrivateKey", "volume:Volume")

    def made(graph: Graph) -> set[str]:
        return {found.name for found in graph.resources if found.type.endswith(kept)}

    assert made(one) == made(swarm)
    outputs = {name.replace("_service", "_container") for name in swarm.outputs}
    assert one.outputs.keys() - outputs == {"litellm-2_container"}, "a service stands for all replicas"
    assert outputs <= one.outputs.keys()
