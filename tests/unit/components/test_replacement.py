"""What an update replaces, in which order, and how long the old one has."""

from typing import Any

import pytest

from tests.unit.components.conftest import Deploy, Graph, deployed
from tests.unit.components.test_program import NETWORK, ROLES

UNNOTICED: dict[str, dict[str, Any]] = {
    "master key": {"keyRotation": "2026-11-26"},
    "models": {"models": {"sonnet": "claude-sonnet-4-5"}},
    "limits": {"maxConnectionsPerSource": 50, "failedAuthPerMinute": 20, "maxRequestMib": 8},
    "log level": {"logLevel": "WARNING"},
    "allow-list": {"allowedCidrs": ["10.1.0.0/16"], "allowHost": False},
    "certificate": {"hostname": "gateway.example.org", "tlsProfile": "modern"},
    "egress list": {"egressAllow": ["api.anthropic.com"]},
    "LiteLLM's image": {"litellmImage": "example.org/a@sha256:" + "a" * 64},
    "the gateway's image": {"gatewayImage": "example.org/a@sha256:" + "a" * 64},
    "the egress image": {"egressImage": "example.org/a@sha256:" + "a" * 64},
    "memory limit": {"litellmMemoryMib": 4096},
    "drain": {"drainSeconds": 30},
}


@pytest.fixture(scope="module")
def prod() -> Graph:
    """The stack as it is committed."""
    return deployed("prod")


@pytest.mark.parametrize("change", UNNOTICED)
def test_nothing_but_its_own_addresses_and_image_replaces_the_front(deploy: Deploy, prod: Graph, change: str) -> None:
    assert deploy("prod", **UNNOTICED[change]).container("front").inputs == prod.container("front").inputs


def test_another_port_replaces_the_front(deploy: Deploy, prod: Graph) -> None:
    assert deploy("prod", port=8443).container("front").inputs != prod.container("front").inputs


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("models", {"sonnet": "claude-sonnet-4-5", "haiku": "claude-haiku-4-5"}),
        ("clients", {"bob": {"maxParallel": 2, "cidrs": ["10.0.0.0/8"]}, "alice": {}}),
    ],
)
def test_the_order_of_names_in_a_stacks_file_replaces_nothing(deploy: Deploy, setting: str, value: Any) -> None:
    def told(value: Any) -> dict[str, Any]:
        return deploy("prod", **{setting: value}).container("litellm").inputs

    assert told(value) == told(dict(reversed(value.items())))
    assert told(value) != told(dict(list(value.items())[:1]))


def test_the_front_comes_last_and_makes_room_first(prod: Graph) -> None:
    """The first one takes its port over from the gateway of an earlier version, when the new gateway is healthy."""
    request = prod.container("front").request
    assert {urn.rsplit("-", 1)[1] for urn in request.dependencies} >= {"gateway"}
    assert list(request.hooks.before_create) == ["make-room"]


def test_what_was_replaced_drains_after_the_check(prod: Graph) -> None:
    (handover,) = prod.of("litellm-claude:components:Handover")
    assert list(handover.request.hooks.after_create) == list(handover.request.hooks.after_update) == ["drain"]
    assert [urn.rsplit("::", 1)[1] for urn in handover.inputs["checked"]] == ["verification"]
    assert handover.inputs.keys() == {*ROLES, "checked"}
    assert handover.secret is False


@pytest.mark.parametrize(
    ("role", "first"),
    [("litellm", False), ("gateway", False), ("egress", False), ("valkey", False), ("front", True)],
)
def test_all_but_the_front_are_created_before_the_old_one_goes(deploy: Deploy, role: str, first: bool) -> None:
    graph = deploy("prod", replicas=2 if role == "valkey" else 1)
    request = graph.container(role).request
    assert request.deleteBeforeReplaceDefined is True  # the plugin's own default is never relied on
    assert request.deleteBeforeReplace is first
    assert "name" not in graph.container(role).inputs  # two of one name could not stand beside each other


def test_litellm_and_the_gateway_get_the_whole_drain_before_it_is_killed(deploy: Deploy) -> None:
    graph = deploy("prod", drainSeconds=30)
    assert graph.env("litellm")["DRAIN_SECONDS"] == "30"
    # 3 s while it reports itself unready and still serves, and 5 s in which the process ends
    assert graph.container("litellm").inputs["destroyGraceSeconds"] == 30 + 3 + 5
    assert graph.env("gateway")["GATEWAY_DRAIN_SECONDS"] == "30"
    assert graph.container("gateway").inputs["destroyGraceSeconds"] == 30 + 3 + 5


CLOSED = {"com.docker.network.bridge.inhibit_ipv4": "true"}
OPTIONS = {
    "edge": {"com.docker.network.bridge.enable_ip_masquerade": "false"},
    "door": CLOSED,
    "backend": CLOSED,
    "egress": None,
}
"""Written down once more, because an update does not change them: who changes them gives the network another name."""


def test_what_an_engine_adds_to_a_networks_options_replaces_nothing(prod: Graph) -> None:
    networks = {made.name.rsplit("-", 1)[1]: made for made in prod.of(NETWORK)}
    assert {role: made.inputs.get("options") for role, made in networks.items()} == OPTIONS
    assert all("options" in made.request.ignoreChanges for made in networks.values())
