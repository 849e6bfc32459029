"""`tls: acme`: what is refused before the CA is asked, and what a stack with it consists of."""

import json
from typing import Any

import pytest

from rules.acme_container import AcmeChallenge
from rules.certificates import pair_fault
from tests.unit.components.conftest import Deploy, Graph, plain
from tests.unit.components.test_certificates import pair
from tests.unit.components.test_configuration import refusal, settings
from tests.unit.components.test_program import NETWORK, VOLUME

NAME = {"tls": "acme", "hostname": "gw.eu.example.co.uk", "acmeEmail": "you@example.org"}
HTTP = {**NAME, "acmeChallenge": "http-01", "redirectPort": 80}
DNS = {**NAME, "acmeChallenge": "dns-01", "acmeDnsProvider": "cloudflare"}
VARIABLES = {"acmeDnsVariables": "# of the zone\n\nCLOUDFLARE_DNS_API_TOKEN=s3cr3t=token\n"}


@pytest.mark.parametrize(
    ("changes", "secret", "said"),
    [
        ({**HTTP, "hostname": "192.0.2.7"}, "", "hostname: is 192.0.2.7, but must be a public name"),
        ({**HTTP, "hostname": "localhost"}, "", "hostname: is localhost, but must be a public name"),
        ({**HTTP, "hostname": "*.example.org"}, "", "hostname: must be a host name"),
        ({**HTTP, "acmeEmail": ""}, "", "acmeEmail: must be an address"),
        ({**HTTP, "acmeEmail": "nobody"}, "", "acmeEmail: must be an address"),
        ({**HTTP, "acmeDirectory": "http://ca.example.org/dir"}, "", "acmeDirectory: must be the https URL"),
        ({**HTTP, "acmeDirectory": "https://me:pw@ca.example.org"}, "", "acmeDirectory: must be the https URL"),
        ({**HTTP, "acmeEmail": "mailto:you@example.org"}, "", "acmeEmail: must be an address"),
        ({**HTTP, "acmeDirectoryCa": "CA"}, "", "acmeDirectoryCa: is not a PEM bundle"),
        (NAME, "", "acmeChallenge: must be dns-01 or http-01"),
        ({**NAME, "acmeChallenge": "tls-alpn-01"}, "", "acmeChallenge: must be 'dns-01' or 'http-01'"),
        ({**HTTP, "redirectPort": 0}, "", "redirectPort: must be the port at which the CA finds port 80"),
        ({**DNS, "acmeDnsProvider": ""}, "A=b", "acmeDnsProvider: must be a provider's name of lego's"),
        ({**DNS, "acmeDnsProvider": "a b"}, "A=b", "acmeDnsProvider: must be a provider's name of lego's"),
        ({**DNS, "acmeDnsProvider": "rfc2136"}, "A=b", "rfc2136 speaks DNS"),
        ({**DNS, "acmeDnsProvider": "exec"}, "A=b", "exec runs a program of the operator's own"),
        (DNS, "", "acmeDnsVariables: lacks the variable CLOUDFLARE_DNS_API_TOKEN or CF_DNS_API_TOKEN"),
        (DNS, "token", "acmeDnsVariables: has no NAME=value in line 1"),
        (DNS, "CLOUDFLARE_DNS_API_TOKEN=", "acmeDnsVariables: has no value for CLOUDFLARE_DNS_API_TOKEN"),
        (DNS, 'CF_API_KEY="s3cr3t"', "acmeDnsVariables: has CF_API_KEY in quotes"),
        (DNS, "CF_API_KEY_FILE=/run/key", "acmeDnsVariables: holds CF_API_KEY_FILE, but there is no file"),
        (DNS, "HTTPS_PROXY=http://x", "acmeDnsVariables: holds HTTPS_PROXY, which is no variable"),
        (DNS, "LD_PRELOAD=/x", "acmeDnsVariables: holds LD_PRELOAD, which is no variable"),
        ({**DNS, "acmeDnsProvider": "inwx"}, "", "acmeDnsVariables: lacks the provider's variables"),
        ({**DNS, "acmeDnsProvider": "inwx"}, "INWX_USERNAME=me", "acmeDnsHosts: must name the hosts"),
        ({**DNS, "acmeDnsZone": "other.org"}, "CF_API_KEY=x", "acmeDnsZone: is no zone that gw.eu.example.co.uk is in"),
    ],
)
def test_what_no_certificate_can_come_of_is_refused_with_what_mends_it(
    changes: dict[str, Any], secret: str, said: str
) -> None:
    message = refusal("prod", {"acmeDnsVariables": secret} if secret else {}, **changes)
    assert said in message
    assert "Fix: pulumi config " in message
    assert "--stack" in message
    assert "s3cr3t" not in message


def test_a_host_that_another_one_holds_is_left_out() -> None:
    """Squid does not start when a name on its list is below one before it."""
    hosts = [".api.example.org", ".example.org", "acme-v02.api.letsencrypt.org"]
    asked = settings("prod", VARIABLES, **{**DNS, "acmeDnsHosts": hosts}).acme
    assert asked
    assert asked.outside[0] == [".example.org", "acme-v02.api.letsencrypt.org"]


def test_a_closed_redirect_port_is_fixed_by_opening_it() -> None:
    assert "Fix: pulumi config set redirectPort 80 --stack" in refusal("prod", **{**HTTP, "redirectPort": 0})


def test_the_ca_and_the_provider_are_all_that_is_reached() -> None:
    plain_http = settings("prod", **HTTP).acme
    assert plain_http
    assert plain_http.outside == (["acme-v02.api.letsencrypt.org"], [443])
    own = settings("prod", **{**HTTP, "acmeDirectory": "https://ca.example.org:9000/acme/acme/directory"}).acme
    assert own
    assert own.outside == (["ca.example.org"], [443, 9000])
    dns = settings("prod", VARIABLES, **DNS).acme
    assert dns
    assert dns.outside == (["acme-v02.api.letsencrypt.org", "api.cloudflare.com"], [443])
    other = settings(
        "prod", {"acmeDnsVariables": "A=b"}, **{**DNS, "acmeDnsProvider": "x", "acmeDnsHosts": ["api.x.org"]}
    )
    assert other.acme
    assert other.acme.outside[0] == ["acme-v02.api.letsencrypt.org", "api.x.org"]


def test_the_zone_is_the_registered_domain_unless_it_is_named() -> None:
    whole = settings("prod", VARIABLES, **DNS).acme
    part = settings("prod", VARIABLES, **{**DNS, "acmeDnsZone": "eu.example.co.uk"}).acme
    private = settings("prod", VARIABLES, **{**DNS, "hostname": "gw.co.uk"}).acme
    assert [asked and asked.own_zone for asked in (whole, part, private)] == [
        "example.co.uk",
        "eu.example.co.uk",
        "gw.co.uk",
    ]


def test_other_certificates_do_not_ask_for_one() -> None:
    assert settings("prod", **{**HTTP, "tls": "managed"}).acme is None
    assert settings("prod", **HTTP).acme_challenge is AcmeChallenge.HTTP


def mounts(graph: Graph, role: str) -> dict[str, tuple[str, bool]]:
    volumes = graph.container(role).inputs.get("volumes") or []
    return {v["containerPath"]: (v["volumeName"], v["readOnly"]) for v in volumes}


def networks(graph: Graph, role: str) -> set[str]:
    found = (network["name"] for network in graph.container(role).inputs["networksAdvanced"])
    return {name.removeprefix("litellm-claude-prod-").rsplit("-", 1)[0] for name in found}


def test_the_acme_container_is_apart_and_the_gateway_alone_reads_the_key(deploy: Deploy) -> None:
    graph = deploy("prod", **HTTP)
    assert networks(graph, "acme") == {"acme", "challenge"}
    closed = {one.name for one in graph.of(NETWORK) if one.inputs["internal"]}
    assert closed == {f"litellm-claude-prod-{role}" for role in ("door", "backend", "acme", "challenge")}
    assert networks(graph, "acme-egress") == {"acme", "acme-egress"}
    assert networks(graph, "gateway") == {"door", "backend", "challenge"}
    assert networks(graph, "litellm") == {"backend"}
    handed = "litellm-claude-prod-certificate"
    assert mounts(graph, "acme") == {
        "/var/lib/acme": ("litellm-claude-prod-acme", False),
        "/srv/certificate": (handed, False),
    }
    assert mounts(graph, "gateway") == {"/srv/certificate": (handed, True)}
    assert [
        role for role in ("litellm", "front", "acme-egress", "prod-egress") if "/srv/certificate" in mounts(graph, role)
    ] == []
    env = graph.env("gateway")
    assert env["GATEWAY_TLS_FILE"] == "/srv/certificate/gw.eu.example.co.uk/tls.pem"
    assert (env["GATEWAY_TLS"], env["GATEWAY_CHALLENGE"]) == ("on", "true")
    assert not {"GATEWAY_TLS_CERTIFICATE", "GATEWAY_TLS_PRIVATE_KEY"} & set(env)
    assert graph.container("acme").inputs["dns"] == ["127.0.0.1"]
    assert graph.outputs["ca_certificate"]["value"] is None


def test_the_dns_providers_variables_are_secret_and_in_that_container_alone(deploy: Deploy) -> None:
    graph = deploy("prod", secrets=VARIABLES, **DNS)
    assert networks(graph, "acme") == {"acme"}
    assert "challenge" not in {n.name.rsplit("-", 1)[1] for n in graph.of(NETWORK)}
    assert "GATEWAY_CHALLENGE" not in graph.env("gateway")
    assert graph.env("acme")["ACME_DNS_VARIABLES"] == VARIABLES["acmeDnsVariables"]
    assert graph.env("acme")["ACME_DNS_ZONE"] == "example.co.uk"
    assert graph.env("acme-egress")["EGRESS_ALLOW"] == "acme-v02.api.letsencrypt.org,api.cloudflare.com"
    assert [r.name for r in graph.resources if "s3cr3t" in json.dumps(plain(r.inputs))] == ["litellm-claude-prod-acme"]
    assert not [name for name in graph.env("acme") if "LITELLM" in name or "CLAUDE" in name]


def test_account_and_certificates_outlive_the_stack(deploy: Deploy) -> None:
    volumes = {v.inputs.get("name"): v.request.retainOnDelete for v in deploy("prod", **HTTP).of(VOLUME)}
    kept = [name for name, retained in volumes.items() if retained]
    assert {"litellm-claude-prod-acme", "litellm-claude-prod-certificate"} < set(kept)


def test_a_stack_without_it_has_none_of_it(deploy: Deploy) -> None:
    assert [r.name for r in deploy("prod").resources if "acme" in r.name or r.name.endswith("certificate-volume")] == []


def test_a_certificate_is_judged_without_its_key_where_only_the_gateway_has_it() -> None:
    chain, _ = pair("gw.example.org")
    assert pair_fault(chain, None, hostname="gw.example.org", now=None) is None
    assert "does not cover" in str(pair_fault(chain, None, hostname="other.example.org", now=None))
