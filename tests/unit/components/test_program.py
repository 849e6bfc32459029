"""The shape of the two stacks, from the real program."""

import tomllib
from typing import Any

import pytest

from tests.unit.components.conftest import ROOT, Declared, Deploy

CONTAINER = "docker:index/container:Container"
NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"
ROLES = ("egress", "front", "gateway", "litellm")
STACKS = ("dev", "prod")
OUTPUTS = {
    "url",
    "master_key",
    "master_key_source",
    "litellm_container",
    "gateway_container",
    "egress_container",
    "front_container",
    "claude_auth_volume",
}


@pytest.mark.parametrize("stack", STACKS)
def test_both_stacks_have_the_same_shape(deploy: Deploy, stack: str) -> None:
    graph = deploy(stack)
    assert sorted(c.name for c in graph.of(CONTAINER)) == [f"litellm-claude-{stack}-{role}" for role in ROLES]
    assert sorted(n.name.rsplit("-", 1)[1] for n in graph.of(NETWORK)) == ["backend", "door", "edge", "egress"]
    assert graph.outputs.keys() >= OUTPUTS


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("role", ROLES)
def test_every_container_is_hardened(deploy: Deploy, stack: str, role: str) -> None:
    inputs = deploy(stack).container(role).inputs
    uid, gid = inputs["user"].split(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert inputs["readOnly"] is True
    assert inputs["capabilities"] == {"drops": ["ALL"]}
    assert inputs["securityOpts"] == ["no-new-privileges:true"]
    assert inputs["memory"] == inputs["memorySwap"] > 0
    assert float(inputs["cpus"]) > 0
    assert inputs["logOpts"] == {"max-size": "10m", "max-file": "5"}
    assert inputs["restart"] == "unless-stopped"
    assert inputs["networkMode"]
    assert inputs["ipcMode"] == "private"
    assert inputs["healthcheck"]["tests"] == ["CMD", f"{role}-healthcheck"]
    assert inputs["destroyGraceSeconds"] > 0
    assert inputs["wait"] is True
    assert not {"privileged", "devices", "mounts", "pidMode", "usernsMode"} & set(inputs)
    assert all(
        "nosuid" in options and "nodev" in options and "noexec" in options for options in inputs["tmpfs"].values()
    )


def test_every_container_but_the_front_says_which_version_made_it(deploy: Deploy) -> None:
    """The front's would replace it at each new version, and cut every connection."""
    graph, label = deploy("prod"), "org.opencontainers.image.version"
    said = {role: {one["label"]: one["value"] for one in graph.container(role).inputs["labels"]} for role in ROLES}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {role: labels.get(label) for role, labels in said.items()} == {
        "egress": version,
        "front": None,
        "gateway": version,
        "litellm": version,
    }


@pytest.mark.parametrize("stack", STACKS)
def test_only_the_front_publishes_a_port(deploy: Deploy, stack: str) -> None:
    graph = deploy(stack)
    assert [role for role in ROLES if "ports" in graph.container(role).inputs] == ["front"]
    (port,) = graph.container("front").inputs["ports"]
    expected = {
        "dev": {"internal": 8080, "external": 4000, "ip": "127.0.0.1", "protocol": "tcp"},
        "prod": {"internal": 8443, "external": 443, "ip": "0.0.0.0", "protocol": "tcp"},
    }
    assert port == expected[stack]


def networks_of(container: Declared) -> list[str]:
    return [n["name"].split("-")[-2] for n in container.inputs["networksAdvanced"]]


@pytest.mark.parametrize("stack", STACKS)
def test_litellm_stands_on_the_closed_network_alone(deploy: Deploy, stack: str) -> None:
    graph = deploy(stack)
    assert networks_of(graph.container("litellm")) == ["backend"]
    assert networks_of(graph.container("gateway")) == ["door", "backend"]
    assert networks_of(graph.container("front")) == ["edge", "door"]
    assert networks_of(graph.container("egress")) == ["egress", "backend"]
    by_role = {n.name.rsplit("-", 1)[1]: n.inputs for n in graph.of(NETWORK)}
    for closed in ("backend", "door"):
        assert by_role[closed]["internal"] is True
        assert by_role[closed]["options"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}
    assert by_role["edge"]["options"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}


@pytest.mark.parametrize("stack", STACKS)
def test_litellm_knows_no_resolver_and_one_proxy(deploy: Deploy, stack: str) -> None:
    graph = deploy(stack)
    assert graph.container("litellm").inputs["dns"] == ["127.0.0.1"]
    assert graph.env("litellm")["HTTPS_PROXY"] == f"http://litellm-claude-{stack}-egress-1a2b3c4:3128"


def test_the_gateway_knows_its_door_by_a_name_of_its_own(deploy: Deploy) -> None:
    networks = deploy("prod").container("gateway").inputs["networksAdvanced"]
    aliases = {network["name"].split("-")[-2]: network["aliases"] for network in networks}
    assert aliases == {"door": ["gateway", "gateway-door"], "backend": ["gateway"]}


def test_nothing_but_the_egress_proxy_has_a_resolver_that_leads_outside(deploy: Deploy) -> None:
    """The engine's own DNS still knows the containers; any other name would be a tunnel out."""
    graph = deploy("prod")
    dns = {role: graph.container(role).inputs.get("dns") for role in ROLES}
    assert dns == {"litellm": ["127.0.0.1"], "gateway": ["127.0.0.1"], "front": ["127.0.0.1"], "egress": None}


@pytest.mark.parametrize(("stack", "protected"), [("dev", False), ("prod", True)])
def test_the_login_volume_outlives_the_stack(deploy: Deploy, stack: str, protected: bool) -> None:
    name = f"litellm-claude-{stack}-claude-auth"
    (volume,) = [one for one in deploy(stack).of(VOLUME) if one.inputs.get("name") == name]
    assert volume.request.retainOnDelete is True
    assert volume.request.protect is protected


def test_usage_is_kept_on_a_volume_of_its_own_where_it_is_asked_for(deploy: Deploy) -> None:
    graph = deploy("prod", usageDays=90)
    (volume,) = [one for one in graph.of(VOLUME) if one.name.endswith("-usage")]
    assert volume.inputs["name"] == "litellm-claude-prod-usage"
    assert volume.request.retainOnDelete is True
    mounts = {m["containerPath"]: m["volumeName"] for m in graph.container("litellm").inputs["volumes"]}
    assert mounts == {
        "/home/app/.claude": "litellm-claude-prod-claude-auth",
        "/home/app/usage": "litellm-claude-prod-usage",
    }
    assert graph.env("litellm")["USAGE_DAYS"] == "90"
    assert "USAGE_DAYS" not in deploy("prod").env("litellm")


def test_an_existing_volume_is_adopted_by_name(deploy: Deploy) -> None:
    graph = deploy("dev", claudeAuthVolume="compose_claude-auth")
    assert graph.of(VOLUME)[0].inputs["name"] == "compose_claude-auth"
    (mount,) = graph.container("litellm").inputs["volumes"]
    assert mount == {"volumeName": "compose_claude-auth", "containerPath": "/home/app/.claude", "readOnly": False}


def test_the_development_key_comes_with_a_warning(deploy: Deploy) -> None:
    graph = deploy("dev")
    assert graph.env("litellm")["LITELLM_MASTER_KEY"] == "sk-development-only"
    assert graph.outputs["master_key_source"]["value"] == "development default"
    assert any("development key" in warning for warning in graph.warnings)


def test_production_makes_a_key_of_32_random_bytes(deploy: Deploy) -> None:
    graph = deploy("prod")
    (made,) = graph.of("random:index/randomPassword:RandomPassword")
    wanted = {"length": 64, "lower": False, "upper": False, "numeric": False, "special": True}
    assert made.inputs.items() >= wanted.items()
    assert made.inputs["overrideSpecial"] == "0123456789abcdef"
    assert made.request.ignoreChanges == ["keepers"]
    assert graph.outputs["master_key"] == {"value": "sk-" + "0123456789abcdef" * 4, "secret": True}
    assert graph.warnings == []


def test_no_random_bytes_nor_ids_that_hold_the_value_are_used(deploy: Deploy) -> None:
    types = {r.type for r in deploy("prod").resources if r.type.startswith("random:")}
    assert types == {"random:index/randomPassword:RandomPassword"}


def test_the_egress_proxy_passes_just_what_the_credential_needs(deploy: Deploy) -> None:
    login = deploy("prod").env("egress")
    assert login["EGRESS_ALLOW"] == "api.anthropic.com,claude.ai,console.anthropic.com,platform.claude.com"
    key = deploy("prod", secrets={"anthropicApiKey": "sk-ant-api03-x"})
    assert key.env("egress")["EGRESS_ALLOW"] == "api.anthropic.com"
    assert key.env("litellm")["CLAUDE_AUTH"] == "api-key"
    private = deploy("prod", anthropicBaseUrl="https://llm.example.org:8443", secrets={"claudeOauthToken": "x"})
    assert private.env("egress")["EGRESS_ALLOW"] == "llm.example.org"
    assert private.env("egress")["EGRESS_PORTS"] == "443,8443"


def test_a_managed_certificate_covers_the_hostname(deploy: Deploy) -> None:
    graph = deploy("prod", hostname="gateway.example.org", tlsValidityHours=48, tlsRenewalHours=12)
    (request,) = graph.of("tls:index/certRequest:CertRequest")
    assert request.inputs["dnsNames"] == ["gateway.example.org"]
    (issued,) = graph.of("tls:index/locallySignedCert:LocallySignedCert")
    assert issued.inputs["validityPeriodHours"] == 48
    assert issued.inputs["earlyRenewalHours"] == 12
    assert graph.env("gateway")["GATEWAY_TLS_CERTIFICATE"] == "server\nCA\n"
    assert graph.outputs["ca_certificate"]["value"] == "CA\n"
    assert graph.outputs["url"]["value"] == "https://gateway.example.org"


@pytest.mark.parametrize(
    ("hostname", "names", "addresses"),
    [
        ("localhost", ["localhost"], ["127.0.0.1", "::1"]),
        ("192.0.2.7", [], ["192.0.2.7"]),
        ("gateway.example.org", ["gateway.example.org"], []),
    ],
)
def test_a_certificate_names_addresses_as_addresses(
    deploy: Deploy, hostname: str, names: list[str], addresses: list[str]
) -> None:
    (request,) = deploy("prod", hostname=hostname).of("tls:index/certRequest:CertRequest")
    assert request.inputs["dnsNames"] == names
    assert request.inputs["ipAddresses"] == addresses


def test_a_redirect_is_published_only_when_asked_for(deploy: Deploy) -> None:
    ports = deploy("prod", redirectPort=80).container("front").inputs["ports"]
    assert [(p["external"], p["internal"]) for p in ports] == [(80, 8080), (443, 8443)]


def test_the_hosts_own_addresses_follow_the_switch_for_the_host(deploy: Deploy) -> None:
    assert deploy("prod").env("gateway")["GATEWAY_HOST_ADDRESSES"] == ""
    graph = deploy("prod", bindAddresses=["10.0.0.2", "127.0.0.1", "10.0.0.1"])
    assert graph.env("gateway")["GATEWAY_HOST_ADDRESSES"] == "10.0.0.1,10.0.0.2"


@pytest.mark.parametrize("addresses", [["10.0.0.1", "10.0.0.2"], ["10.0.0.2", "10.0.0.1"]])
def test_each_address_is_published_from_a_port_of_its_own_in_any_order(deploy: Deploy, addresses: list[str]) -> None:
    graph = deploy("prod", bindAddresses=addresses, redirectPort=80)
    ports = graph.container("front").inputs["ports"]
    assert [(p["ip"], p["external"], p["internal"]) for p in ports] == [
        ("10.0.0.1", 80, 8080),
        ("10.0.0.2", 80, 8081),
        ("10.0.0.1", 443, 8443),
        ("10.0.0.2", 443, 8444),
    ]


def test_the_edge_has_ipv6_only_when_the_gateway_is_published_there(deploy: Deploy) -> None:
    def edge(**changes: Any) -> dict[str, Any]:
        return next(n.inputs for n in deploy("prod", **changes).of(NETWORK) if n.name.endswith("-edge"))

    assert edge()["ipv6"] is False
    both = edge(bindAddresses=["0.0.0.0", "::"], allowHost=False)
    assert both["ipv6"] is True
    assert both["ipamConfigs"][0]["subnet"].startswith("fd")
    assert both == edge(bindAddresses=["0.0.0.0", "::"], allowHost=False)
