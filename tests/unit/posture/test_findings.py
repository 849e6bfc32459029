"""What is seldom found: ports, names and networks that somebody changed by hand."""

import ssl
from dataclasses import replace
from typing import Any

import pytest
import trustme
from cryptography.x509 import load_pem_x509_certificate

from posture import caller_address, running
from posture.checks import https
from posture.inside import REFUSED
from posture.model import REGISTRY, Outcome
from tests.unit.posture.conftest import INSIDE, Make
from tests.unit.posture.test_checks import changed

PORTS = {"8443/tcp": [{"HostIp": "0.0.0.0", "HostPort": "443"}]}
DECLARED = [{"internal": 8443, "external": 443, "ip": "0.0.0.0", "protocol": "tcp"}]


def outcome(context: Any, check: str) -> Outcome:
    return REGISTRY[check].run(context)


@pytest.mark.parametrize(
    ("who", "declared", "status", "evidence"),
    [
        ("front", DECLARED, "pass", "front: 0.0.0.0:443"),
        ("front", [], "fail", "front publishes 0.0.0.0:443"),
        ("gateway", [], "fail", "gateway publishes 0.0.0.0:443"),
        (None, DECLARED, "fail", "the front publishes nothing"),
    ],
)
def test_the_front_alone_publishes_its_ports(
    make: Make, who: str | None, declared: list[dict[str, Any]], status: str, evidence: str
) -> None:
    def publish(found: dict[str, Any]) -> None:
        if who:
            found[who]["NetworkSettings"]["Ports"] = PORTS

    context = make(publish)
    front = context.declaration.containers["front"]
    front = replace(front, inputs={**front.inputs, "ports": declared})
    context.declaration = replace(context.declaration, containers={**context.declaration.containers, "front": front})
    found = outcome(context, "network.published")
    assert found.status.value == status
    assert evidence in found.evidence


@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        ({"Id": "another"}, "gateway was made by hand"),
        ({"Name": "/other"}, "gateway was renamed to other"),
        ({"State": {"Running": False, "Status": "exited"}}, "gateway is exited"),
    ],
)
def test_each_container_is_the_one_that_was_made_under_its_name(
    make: Make, change: dict[str, Any], evidence: str
) -> None:
    found = outcome(make(lambda found: found["gateway"].update(change)), "drift.containers")
    assert (found.status.value, found.evidence) == ("fail", evidence)


def test_a_network_that_is_gone_is_named(make: Make) -> None:
    context = make()
    context.running = replace(context.running, networks={})
    assert "the network net does not exist" in outcome(context, "drift.networks").evidence


def test_a_stack_with_a_secret_of_its_own_needs_no_login(make: Make) -> None:
    found = outcome(make(settings={"anthropicApiKey": "sk-ant-of-the-tests"}), "login.present")
    assert (found.status.value, found.evidence) == ("pass", "api-key: a secret of the stack, not a login")


def test_without_a_rotation_no_key_is_a_previous_one(make: Make) -> None:
    assert outcome(make(), "key.previous").evidence == "no rotation is under way"


def test_where_loopback_alone_leads_to_the_port_no_caller_can_be_anothers(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller_address, "outward", lambda _edge: None)
    found = outcome(make(), "access.sources")
    assert (found.status.value, found.evidence) == (
        "not-applicable",
        "nothing but loopback leads to the port from here",
    )


@pytest.mark.parametrize(("allow", "status"), [([REFUSED], "pass"), (["example.org"], "fail")])
def test_a_name_that_is_tried_may_be_an_allowed_one(make: Make, allow: list[str], status: str) -> None:
    context = make(
        settings={"egressAllow": ["api.anthropic.com", *allow]},
        inside=changed(tunnels={**INSIDE.tunnels, "other name": 200}),
    )
    assert outcome(context, "network.egress-refuses").status.value == status


def test_this_machines_store_is_that_of_its_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    store, ca = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trustme.CA()
    ca.configure_trust(store)
    monkeypatch.setattr(ssl, "create_default_context", lambda: store)
    assert https._system_store() == [load_pem_x509_certificate(ca.cert_pem.bytes())]


def test_what_runs_is_looked_at_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    context, looks = make(), []
    there = context.running

    def read(*about: Any) -> running.Running:
        looks.append(about)
        return there

    del context.running
    monkeypatch.setattr(running, "read", read)
    assert context.running is context.running is there
    assert looks == [(context.declaration, context.engine)]
