"""Several LiteLLM containers: what a stack declares with `replicas`, and that one without it is what it was."""

import hashlib
import json
from typing import Any

import pulumi
import pytest

from tests.unit.components.conftest import Declared, Deploy, Graph, plain
from tests.unit.components.test_program import CONTAINER, NETWORK, networks_of

ALIKE = ("hostname", "labels", "networksAdvanced")
"""In what replicas differ: what they are called."""


def litellms(graph: Graph) -> list[Declared]:
    found = [one for one in graph.of(CONTAINER) if one.request.object["hostname"].startswith("litellm")]
    return sorted(found, key=lambda one: one.name)


def shape(graph: Graph) -> list[Any]:
    """Everything that Pulumi is told, but for the order in which it is told."""
    return sorted(
        (
            one.type,
            one.name,
            json.dumps(one.inputs, sort_keys=True),
            one.request.parent,
            sorted(one.request.dependencies),
            one.secret,
        )
        for one in graph.resources
    )


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_that_asks_for_neither_replicas_nor_a_swarm_has_nothing_of_them(deploy: Deploy, stack: str) -> None:
    graph = deploy(stack)
    assert shape(graph) == shape(deploy(stack, replicas=1, orchestrator="docker"))
    assert graph.outputs.keys() == deploy(stack, replicas=1).outputs.keys()
    words = ("replica", "valkey", "-limits", "swarm")
    declared = [
        *(one.name for one in graph.resources),
        *(repr(plain(one.inputs)).lower() for one in graph.of(CONTAINER)),
    ]
    assert [text for text in declared if any(word in text for word in words)] == []


def test_replicas_are_alike_but_for_their_names(deploy: Deploy) -> None:
    graph = deploy("prod", replicas=3)
    first, *others = litellms(graph)
    assert [one.name for one in (first, *others)] == [
        f"litellm-claude-prod-{name}" for name in ("litellm", "litellm-2", "litellm-3")
    ]
    for other in others:
        assert {name: value for name, value in other.inputs.items() if name not in ALIKE} == {
            name: value for name, value in first.inputs.items() if name not in ALIKE
        }
    assert [one.inputs["hostname"] for one in (first, *others)] == ["litellm", "litellm-2", "litellm-3"]
    labels = [{one["label"]: one["value"] for one in found.inputs["labels"]} for found in (first, *others)]
    assert {one["litellm-claude.role"] for one in labels} == {"litellm"}
    assert [one.get("litellm-claude.replica") for one in labels] == [None, "2", "3"]
    assert graph.outputs.keys() >= {"litellm_container", "litellm-2_container", "litellm-3_container"}


def test_the_gateway_finds_all_by_one_name_and_each_by_its_own(deploy: Deploy) -> None:
    graph = deploy("prod", replicas=2)
    aliases = [one.inputs["networksAdvanced"][0]["aliases"] for one in litellms(graph)]
    assert aliases == [["litellm", "litellm-1"], ["litellm", "litellm-2"]]
    assert graph.env("gateway")["GATEWAY_REPLICAS"] == "2"


def test_they_start_one_after_the_other_and_all_before_the_gateway(deploy: Deploy) -> None:
    graph = deploy("prod", replicas=3)
    needs = [{urn.rpartition("prod-")[2] for urn in one.request.dependencies} for one in litellms(graph)]
    assert ["litellm" in needs[1], "litellm-2" in needs[2]] == [True, True]
    assert "litellm-2" not in needs[0]
    gateway = {urn.rpartition("prod-")[2] for urn in graph.container("gateway").request.dependencies}
    assert gateway >= {"litellm", "litellm-2", "litellm-3"}
    assert all(one.request.deleteBeforeReplace is False for one in litellms(graph))


def test_all_are_checked_and_drained(deploy: Deploy) -> None:
    graph = deploy("prod", replicas=2)
    for kind in ("Verification", "Handover"):
        (gate,) = graph.of(f"litellm-claude:components:{kind}")
        assert gate.inputs.keys() >= {"litellm", "litellm-2", "valkey"}
        assert gate.inputs["litellm"] != gate.inputs["litellm-2"]


def test_valkey_is_alone_with_litellm_and_knows_no_password(deploy: Deploy) -> None:
    graph = deploy("prod", replicas=2)
    valkey, first = graph.container("valkey"), litellms(graph)[0]
    assert networks_of(valkey) == ["limits"]
    assert networks_of(first) == ["backend", "limits"]
    (network,) = [one.inputs for one in graph.of(NETWORK) if one.name.endswith("-limits")]
    assert network["internal"] is True
    assert network["options"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}
    assert not {"ports", "volumes"} & valkey.inputs.keys()
    assert valkey.inputs["readOnly"] is True
    assert int(valkey.inputs["user"].split(":")[0]) > 0
    password = graph.env("litellm")["VALKEY_PASSWORD"]
    assert graph.env("valkey") == {"VALKEY_PASSWORD_SHA256": hashlib.sha256(password.encode()).hexdigest()}
    assert graph.env("litellm")["VALKEY_HOST"] == valkey.name + "-1a2b3c4", "the very one, which goes with them"
    assert valkey.secret is True
    assert first.secret is True


def test_each_replica_has_what_the_settings_give_one_container(deploy: Deploy) -> None:
    one, two = deploy("prod"), deploy("prod", replicas=2)
    limits = ("memory", "memorySwap", "cpus")
    assert [two.container("litellm").inputs[name] for name in limits] == [
        one.container("litellm").inputs[name] for name in limits
    ]
    for name in ("CLAUDE_MAX_CONCURRENCY", "CLAUDE_WARM_PROCESSES", "MEMORY_MIB"):
        assert two.env("litellm")[name] == one.env("litellm")[name]


@pytest.mark.parametrize("wrong", [0, 9, "many"])
def test_a_wrong_number_is_refused(deploy: Deploy, wrong: object) -> None:
    with pytest.raises(pulumi.RunError, match=r"replicas: must be .* Fix: pulumi config set replicas 1 --stack prod"):
        deploy("prod", replicas=wrong)


def test_a_preview_says_that_replicas_share_a_login(deploy: Deploy) -> None:
    def says(**changes: Any) -> bool:
        return any("share the Claude login" in note for note in deploy("prod", **changes).notes)

    assert says(replicas=2)
    assert not says()
    assert not says(replicas=2, secrets={"claudeOauthToken": "sk-ant-oat01-of-the-tests"})
