"""Each outcome of the checks of state, images, networks by ACME and encryption, with its words."""

import json
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509

from posture.checks import https
from posture.context import Context
from posture.declaration import DeclaredContainer
from posture.edge import Answer
from posture.model import REGISTRY
from posture.running import Running
from rules.pulumi_types import VOLUME
from tests.unit.components.test_certificates import pair
from tests.unit.posture.conftest import IMAGE, INPUTS, KEY, Make
from tests.unit.posture.test_acme import SETTINGS as ACME

DEVELOPMENT = {"environment": "development", "allowedCidrs": []}
OFF = {**DEVELOPMENT, "tls": "off"}


def outcome(context: Context, check: str) -> tuple[str, str]:
    found = REGISTRY[check].run(context)
    return found.status.value, found.evidence


def gateway_with(**variables: str) -> Any:
    def change(found: dict[str, Any]) -> None:
        found["gateway"]["Config"]["Env"] = [f"{name}={value}" for name, value in variables.items()]

    return change


@pytest.mark.parametrize(
    ("variables", "settings", "expected"),
    [
        ({"GATEWAY_TLS": "on"}, {}, ("pass", "the gateway speaks TLS")),
        ({"GATEWAY_TLS": "off"}, OFF, ("exception", "TLS is off: loopback of a development stack")),
        ({}, OFF, ("exception", "TLS is off: loopback of a development stack")),
        ({"GATEWAY_TLS": "off"}, {"bindAddresses": ["127.0.0.1"]}, ("fail", "the gateway does not speak TLS")),
        (
            {"GATEWAY_TLS": "off"},
            {**DEVELOPMENT, "bindAddresses": ["10.0.0.1"], "tls": "managed", "masterKey": KEY},
            ("fail", "the gateway does not speak TLS"),
        ),
    ],
)
def test_tls_is_off_on_loopback_of_development_alone(
    make: Make, variables: dict[str, str], settings: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert outcome(make(gateway_with(**variables), settings=settings), "https.on") == expected


@pytest.mark.parametrize("check", sorted(name for name in REGISTRY if name.startswith("https.") and name[6:] != "on"))
def test_without_tls_there_is_no_certificate_to_judge(make: Make, check: str) -> None:
    assert outcome(make(settings=OFF), check)[0] == "not-applicable"


@pytest.mark.parametrize(
    ("served", "fits", "expected"),
    [
        ("the declared one", True, ("pass", "for localhost, SHA-256 ")),
        ("another", True, ("fail", "the gateway was started with another certificate than the declared one")),
        ("the declared one", False, ("fail", "the certificate does not match tlsPrivateKey")),
    ],
)
def test_what_the_gateway_was_started_with_is_the_declared_pair(
    make: Make, served: str, fits: bool, expected: tuple[str, str]
) -> None:
    declared, key = pair("localhost")
    pem, other_key = pair("localhost")
    shown = pem if served == "another" else declared
    private = key if fits == (shown == declared) else other_key
    context = make(
        gateway_with(GATEWAY_TLS_CERTIFICATE=shown, GATEWAY_TLS_PRIVATE_KEY=private), edge={"health": Answer(200)}
    )
    context.declaration.containers["gateway"].inputs["envs"] = [f"GATEWAY_TLS_CERTIFICATE={declared}"]  # type: ignore[index]
    found = outcome(context, "https.certificate")
    assert found[0] == expected[0]
    assert found[1].startswith(expected[1])


@pytest.mark.parametrize(("own", "expected"), [(True, "pass"), (False, "fail")])
def test_a_managed_certificate_is_signed_by_the_stacks_own_ca(
    make: Make, monkeypatch: pytest.MonkeyPatch, own: bool, expected: str
) -> None:
    ca, other = trustme.CA(), trustme.CA()
    chain = x509.load_pem_x509_certificates(ca.issue_cert("localhost").cert_chain_pems[0].bytes())
    monkeypatch.setattr(https, "_chain", lambda _: (chain, "", None))
    context = make()
    authority = (ca if own else other).cert_pem.bytes().decode()
    context.declaration = replace(context.declaration, authority=authority)
    words = "signed by the stack's own CA" if own else "the certificate is not signed by the stack's own CA ("
    found = outcome(context, "https.chain")
    assert found[0] == expected
    assert found[1].startswith(words)


def test_a_ca_that_this_machine_does_not_know_is_the_acme_clients_matter(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, _ = pair("gw.example.org")
    loaded = x509.load_pem_x509_certificates(chain.encode())
    monkeypatch.setattr(https, "_chain", lambda _: (loaded, "", None))
    monkeypatch.setattr(https, "_system_store", list)
    found = outcome(make(settings=ACME), "https.chain")
    assert found[0] == "warn"
    assert f"acmeDirectory ({loaded[-1].issuer.rfc4514_string()})" in found[1]


@pytest.mark.parametrize(
    ("allowed", "health", "issues", "expected"),
    [
        (True, Answer(200), {}, ("pass", "nothing departs from the profile intermediate")),
        (False, Answer(200), {}, ("pass", "nothing departs from the profile intermediate")),
        (True, Answer(0), {"ciphers": "weak", "curves": "odd"}, ("fail", "odd; weak")),
        (
            False,
            Answer(0),
            {"ciphers": "weak"},
            ("not-applicable", "this machine is not an allowed source; run the check on one that is"),
        ),
        (
            True,
            Answer(200),
            {"certificate_path_validation": "own CA", "maximum_certificate_lifespan": "long"},
            ("pass", "nothing departs from the profile intermediate"),
        ),
    ],
)
def test_what_departs_from_mozillas_profile_is_named(
    make: Make, allowed: bool, health: Answer, issues: dict[str, str], expected: tuple[str, str]
) -> None:
    context = make(settings={"allowHost": allowed}, edge={"health": health}, tls=issues)
    assert outcome(context, "https.profile") == expected


@pytest.mark.parametrize(
    ("more", "production", "expected"),
    [
        ({"retainOnDelete": True, "protect": True}, True, ("pass", "retained on delete and protected")),
        ({"retainOnDelete": True}, False, ("pass", "retained on delete")),
        ({"retainOnDelete": True}, True, ("fail", "the volume is not protected in the state")),
        ({"protect": True}, True, ("fail", "retainOnDelete is not set on the volume")),
    ],
)
def test_no_update_can_delete_the_login(
    make: Make, more: dict[str, Any], production: bool, expected: tuple[str, str]
) -> None:
    context = make(settings={} if production else DEVELOPMENT)
    resources = [
        {"type": "other", "inputs": {"name": "volume"}},
        {"type": VOLUME, "inputs": {"name": "of the usage"}},
        {"type": VOLUME, "inputs": {"name": "volume"}, **more},
    ]
    context.declaration = replace(context.declaration, exported=json.dumps({"deployment": {"resources": resources}}))
    assert outcome(context, "login.protected") == expected


def test_no_place_of_the_state_holds_a_secret_in_the_clear(make: Make, tmp_path: Path) -> None:
    context = make()
    context.environment = {"PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    folder = tmp_path / ".pulumi" / "history" / "test"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text("ciphertext")
    (tmp_path / ".pulumi" / "another.json").write_text(KEY)
    assert outcome(context, "secrets.state") == ("pass", "none in 2 places: raw, hex, base64 or url-safe base64")
    (folder / "2.json").write_text(KEY)
    assert outcome(context, "secrets.state") == ("fail", f"{folder / '2.json'} holds a secret in the clear")
    context.environment = {}
    context.declaration = replace(context.declaration, exported=KEY.encode().hex())
    assert outcome(context, "secrets.state") == ("fail", "the exported state holds a secret in the clear")
    context.declaration = replace(context.declaration, secrets=frozenset())
    assert outcome(context, "secrets.state")[0] == "pass"


def test_each_container_runs_an_image_that_the_state_names(make: Make) -> None:
    def change(found: dict[str, Any]) -> None:
        found["egress"]["Image"] = "sha256:" + "b" * 64

    assert outcome(make(), "supply.images") == ("pass", "a" * 12)
    assert outcome(make(change), "supply.images") == ("fail", "egress runs an image that the state does not name")


def test_what_reads_the_stack_is_what_is_locked(make: Make, tmp_path: Path) -> None:
    assert outcome(make(), "supply.toolchain")[0] == "not-applicable"
    here = metadata.version("pytest")
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"pytest=={here}\nnot-installed-anywhere==1.0\n")
    assert outcome(make(), "supply.toolchain") == ("pass", "2 packages equal the lock")
    lock.write_text("pytest==0.1\n")
    assert outcome(make(), "supply.toolchain") == ("fail", f"pytest is {here}, locked is 0.1")


def test_packages_that_are_missing_are_named_and_ready_images_are_their_makers(make: Make) -> None:
    found = outcome(make(), "supply.packages")
    assert found[0] == "fail"
    assert "pydantic is missing" in found[1]
    assert "pip is missing" not in found[1]
    ready = make(settings={"litellmImage": "x/litellm:v1.90.0@sha256:" + "a" * 64})
    assert outcome(ready, "supply.packages")[0] == "not-applicable"
    assert outcome(make(debian={}), "supply.updates")[0] == "not-applicable"


@pytest.mark.parametrize(
    ("allowed", "internal", "expected"),
    [
        ("acme-v02.api.letsencrypt.org", True, ("pass", "let through to acme-v02.api.letsencrypt.org")),
        ("acme-v02.api.letsencrypt.org,evil.example.org", True, ("fail", "evil.example.org is allowed")),
        ("acme-v02.api.letsencrypt.org", False, ("fail", "the challenge network is not internal")),
    ],
)
def test_what_asks_for_certificates_is_apart(
    make: Make, allowed: str, internal: bool, expected: tuple[str, str]
) -> None:
    context = make(settings=ACME)
    containers, networks = dict(context.declaration.containers), {}
    stand: dict[str, list[str]] = {"acme": ["acme", "challenge"], "acme-egress": ["acme"]}
    running = list(context.running.containers)
    for role, names in stand.items():
        containers[role] = DeclaredContainer(role, f"id-{role}", {**INPUTS, "name": role})
        running.append(
            {
                "Id": f"id-{role}",
                "Name": f"/{role}",
                "Image": IMAGE,
                "State": {"Running": True},
                "Config": {"Env": [f"EGRESS_ALLOW={allowed}"]},
                "NetworkSettings": {"Networks": dict.fromkeys(names)},
            }
        )
    options = {"com.docker.network.bridge.inhibit_ipv4": "true"}
    for name in ("acme", "challenge"):
        networks[name] = {"Name": name, "Internal": internal or name == "acme", "Options": options}
    declared = {name: {"name": name} for name in networks}
    context.declaration = replace(context.declaration, containers=containers, networks=declared)
    context.running = Running(tuple(running), networks, {}, None, {})
    found = outcome(context, "network.acme-closed")
    assert found[0] == expected[0]
    assert found[1].endswith(expected[1])
