"""`orchestrator: swarm`: the same parts as services, as hard as a Swarm can have them."""

import base64
import json
from typing import Any

import pulumi
import pytest

from rules.container import SECRETS
from rules.version import VERSION
from tests.unit.components.conftest import Declared, Deploy, Graph, plain

SERVICE = "docker:index/service:Service"
SECRET = "docker:index/secret:Secret"
CONFIG = "docker:index/serviceConfig:ServiceConfig"
NETWORK = "docker:index/network:Network"
CREDENTIAL = {"anthropicApiKey": "sk-ant-api03-of-the-tests-0123456789abcdefghij"}
SETTINGS = {
    "orchestrator": "swarm",
    "registry": "registry.example.org/llm",
    "allowHost": False,
    "bindAddresses": ["0.0.0.0"],
}
ANSWERS: dict[str, dict[str, Any]] = {
    "docker:index/registryImage:RegistryImage": {"sha256Digest": f"sha256:{'1' * 64}"},
    NETWORK: {"ipamConfigs": [{"subnet": "10.0.9.0/24"}]},
}
ROLES = ("egress", "front", "gateway", "litellm")
HIDDEN = {
    *SECRETS,
    "VALKEY_PASSWORD_SHA256",
    "GATEWAY_TLS_PRIVATE_KEY",
    "GATEWAY_METRICS_KEY_SHA256",
}


def up(deploy: Deploy, secrets: dict[str, str] | None = None, **changes: Any) -> Graph:
    return deploy(
        "prod", secrets=CREDENTIAL if secrets is None else secrets, answers=ANSWERS, **{**SETTINGS, **changes}
    )


def everything(deploy: Deploy) -> Graph:
    clients = {"alice": {"requestsPerMinute": 5}}
    return up(
        deploy, replicas=3, metricsPort=9464, redirectPort=80, clients=clients, frontPlacement=["node.role==worker"]
    )


def service(graph: Graph, role: str) -> Any:
    (found,) = [one for one in graph.of(SERVICE) if one.name == f"litellm-claude-prod-{role}"]
    return plain(found.inputs)


def container(graph: Graph, role: str) -> Any:
    return service(graph, role)["taskSpec"]["containerSpec"]


def content(one: Declared) -> str:
    return base64.b64decode(plain(one.inputs)["data"]).decode()


def test_each_part_is_a_service_and_none_a_container(deploy: Deploy) -> None:
    graph = up(deploy)
    assert sorted(one.name for one in graph.of(SERVICE)) == [f"litellm-claude-prod-{role}" for role in ROLES]
    assert graph.of("docker:index/container:Container") == []
    assert {f"{role}_service" for role in ROLES} <= graph.outputs.keys()
    assert not any(name.endswith("_container") for name in graph.outputs)
    kinds = {one.type.rpartition(":")[2] for one in graph.resources}
    assert "Convergence" in kinds
    assert not {"Verification", "Handover"} & kinds


@pytest.mark.parametrize("role", [*ROLES, "valkey"])
def test_every_service_is_hardened(deploy: Deploy, role: str) -> None:
    graph = everything(deploy)
    inputs, one = service(graph, role), container(graph, role)
    uid, gid = one["user"].split(":")
    assert (int(uid) > 0, int(gid) > 0) == (True, True)
    assert one["readOnly"] is True
    assert one["capDrops"] == ["ALL"]
    assert not {"capAdds", "privileges", "sysctl", "hosts", "groups"} & one.keys()
    assert one["healthcheck"]["tests"] == ["CMD", f"{role}-healthcheck"]
    assert {mount["type"] for mount in one["mounts"]} == {"tmpfs"}
    assert all(mount["tmpfsOptions"]["sizeBytes"] > 0 for mount in one["mounts"])
    limits = inputs["taskSpec"]["resources"]["limits"]
    assert limits["memoryBytes"] >= 96 * 1024 * 1024
    assert limits["nanoCpus"] > 0
    assert inputs["taskSpec"]["logDriver"] == {"name": "json-file", "options": {"max-size": "10m", "max-file": "5"}}
    assert inputs["taskSpec"]["restartPolicy"]["condition"] == "any"
    assert inputs["endpointSpec"]["mode"] == "dnsrr"
    labels = {label["label"]: label["value"] for label in one["labels"]}
    assert labels["litellm-claude.role"] == role
    assert labels.get("org.opencontainers.image.version") == (None if role == "front" else VERSION)
    assert inputs["labels"] == one["labels"]


def test_no_secret_is_in_an_environment(deploy: Deploy) -> None:
    graph = everything(deploy)
    kept = {content(one) for one in graph.of(SECRET)}
    assert len(graph.of(SECRET)) == 8
    for one in graph.of(SERVICE):
        spec = plain(one.inputs)["taskSpec"]["containerSpec"]
        assert not HIDDEN & spec.get("env", {}).keys()
        assert not kept & set(spec.get("env", {}).values())
        assert one.secret is False
    assert all(one.secret for one in graph.of(SECRET))
    assert not any(one.secret for one in graph.of(CONFIG))


def test_a_secret_is_a_file_that_its_part_alone_reads(deploy: Deploy) -> None:
    graph = everything(deploy)
    for role in (*ROLES, "valkey"):
        one = container(graph, role)
        uid, gid = one["user"].split(":")
        for reference in one.get("secrets", []):
            assert reference["fileName"] in HIDDEN
            assert (reference["fileUid"], reference["fileGid"], reference["fileMode"]) == (uid, gid, 0o400)
    named = {role: sorted(one["fileName"] for one in container(graph, role).get("secrets", [])) for role in ROLES}
    assert named == {
        "egress": [],
        "front": [],
        "gateway": ["GATEWAY_METRICS_KEY_SHA256", "GATEWAY_TLS_PRIVATE_KEY"],
        "litellm": [
            "ANTHROPIC_API_KEY",
            "GATEWAY_CLIENTS",
            "LITELLM_MASTER_KEY",
            "METRICS_KEY_SHA256",
            "VALKEY_PASSWORD",
        ],
    }


def test_what_is_long_is_configuration(deploy: Deploy) -> None:
    graph = everything(deploy)
    files = {
        role: sorted(one["fileName"].removeprefix("/run/configs/") for one in container(graph, role).get("configs", []))
        for role in ROLES
    }
    assert files == {
        "egress": ["EGRESS_ALLOW", "EGRESS_CLOSED_CIDRS"],
        "front": [],
        "gateway": ["GATEWAY_ALLOWED_CIDRS", "GATEWAY_TLS_CERTIFICATE"],
        "litellm": ["GATEWAY_MODELS"],
    }
    (models,) = [content(one) for one in graph.of(CONFIG) if one.name == "prod-gateway-models"]
    assert "claude-sonnet-5-5" in json.loads(models).values()


def test_an_empty_list_is_no_file_for_a_swarm_keeps_none(deploy: Deploy) -> None:
    graph = up(deploy, allowedCidrs=[])
    assert container(graph, "gateway")["env"]["GATEWAY_ALLOWED_CIDRS"] == ""
    assert "prod-gateway-allowed-cidrs" not in {one.name for one in graph.of(CONFIG)}


def test_names_fit_what_a_swarm_takes(deploy: Deploy) -> None:
    graph = everything(deploy)
    longest = {"litellm-previous-master-key", *(one.name.removeprefix("prod-") for one in graph.of(SECRET))}
    assert max(len(f"{'n' * 28}-{name}-1a2b3c4") for name in longest) <= 64
    assert len(f"litellm-claude-{'n' * 28}-litellm-1a2b3c4") <= 63


@pytest.mark.parametrize("name", ["n" * 29, "with.dot", "-dash", "dash-"])
def test_a_name_that_a_swarm_refuses_is_refused_before(deploy: Deploy, name: str) -> None:
    with pytest.raises(pulumi.RunError, match=r"named after .* Fix: pulumi config set name NAME --stack prod"):
        up(deploy, name=name)


def test_overlays_are_encrypted_and_closed(deploy: Deploy) -> None:
    graph = up(deploy, replicas=2)
    networks = {one.name.rpartition("-")[2]: plain(one.inputs) for one in graph.of(NETWORK)}
    assert {role: one["internal"] for role, one in networks.items()} == {
        "edge": False,
        "door": True,
        "backend": True,
        "egress": False,
        "limits": True,
    }
    for one in networks.values():
        assert one["driver"] == "overlay"
        assert one["options"] == {"encrypted": "true"}
        assert one.get("attachable", False) is False
    assert not graph.warnings


def test_without_encryption_a_preview_says_what_that_means(deploy: Deploy) -> None:
    graph = up(deploy, overlayEncryption=False)
    assert all("options" not in plain(one.inputs) for one in graph.of(NETWORK))
    (warning,) = graph.warnings
    assert "in the clear" in warning
    assert "Fix: pulumi config set overlayEncryption true --stack prod" in warning


def test_networks_are_named_by_id_and_the_door_by_its_addresses(deploy: Deploy) -> None:
    graph = everything(deploy)
    ids = {one.name: f"{one.name}-id" for one in graph.of(NETWORK)}
    known = {role: service(graph, role)["taskSpec"]["networksAdvanceds"] for role in (*ROLES, "valkey")}
    assert all(one["id"] in ids.values() and "name" not in one for networks in known.values() for one in networks)
    aliases = {
        role: {one["id"].removesuffix("-id").rpartition("-")[2]: one["aliases"] for one in networks}
        for role, networks in known.items()
    }
    assert aliases == {
        "egress": {"egress": ["egress"], "backend": ["egress"]},
        "front": {"edge": ["front"], "door": ["front"]},
        "gateway": {"door": ["gateway", "gateway-door"], "backend": ["gateway"]},
        "litellm": {"backend": ["litellm"], "limits": ["litellm"]},
        "valkey": {"limits": ["valkey"]},
    }
    assert container(graph, "gateway")["env"]["GATEWAY_FRONT_CIDRS"] == "10.0.9.0/24"


def test_a_port_is_the_nodes_own_and_never_the_meshs(deploy: Deploy) -> None:
    graph = everything(deploy)
    assert [role for role in ROLES if "ports" in service(graph, role)["endpointSpec"]] == ["front"]
    ports = service(graph, "front")["endpointSpec"]["ports"]
    assert [(one["publishedPort"], one["targetPort"]) for one in ports] == [(80, 8080), (9464, 8090), (443, 8443)]
    assert {one["publishMode"] for one in ports} == {"host"}


def test_what_takes_callers_is_on_each_node_and_litellm_where_there_is_room(deploy: Deploy) -> None:
    graph = everything(deploy)
    modes = {role: service(graph, role)["mode"] for role in (*ROLES, "valkey")}
    everywhere = {"global": True}
    assert modes == {
        "egress": everywhere,
        "front": everywhere,
        "gateway": everywhere,
        "litellm": {"replicated": {"replicas": 3}},
        "valkey": {"replicated": {"replicas": 1}},
    }
    placed = {role: service(graph, role)["taskSpec"].get("placement") for role in ROLES}
    edge = {"constraints": ["node.role==worker"]}
    assert placed == {"egress": None, "front": edge, "gateway": edge, "litellm": None}
