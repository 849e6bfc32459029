"""The declaration that is read from Pulumi's state."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from posture.declaration import DeclarationError, parse, settings_of
from posture.secrets import MARK, config_secrets
from rules.pulumi_types import CONTAINER, NETWORK, VOLUME
from tests.unit.components.test_certificates import pair
from tests.unit.posture.conftest import KEY

SECRET = "-----BEGIN PRIVATE KEY-----of a test"
CONFIG = {
    "litellm-claude:environment": {"value": "production"},
    "litellm-claude:allowedCidrs": {"value": '["10.0.0.0/8"]', "objectValue": ["10.0.0.0/8"]},
    "litellm-claude:logLevel": {"value": ""},
    "other:hostname": {"value": "not ours"},
}


def hidden(value: Any) -> dict[str, Any]:
    return {MARK: "1b47061264138c4ac30d75fd1eb44270", "plaintext": json.dumps(value)}


def container(role: str, **inputs: Any) -> dict[str, Any]:
    labels = [
        {"label": "litellm-claude.stack", "value": "litellm-claude-test"},
        {"label": "litellm-claude.role", "value": role},
    ]
    return {"type": CONTAINER, "id": f"id-{role}", "inputs": {"name": role, "labels": labels, **inputs}}


def state(*more: dict[str, Any]) -> dict[str, Any]:
    roles = [{"label": "litellm-claude.role", "value": "backend"}]
    resources = [
        container("gateway"),
        container("egress"),
        container("front"),
        {"type": NETWORK, "inputs": {"name": "net", "labels": roles}},
        {"type": VOLUME, "inputs": {"name": "the-volume"}},
        {"type": VOLUME, "inputs": {"name": "of-the-usage", "labels": [{"label": "x.role", "value": "usage"}]}},
        {"type": "pulumi:pulumi:Stack", "outputs": {"key_created": "2026-11-01"}},
        {"type": "pulumi:providers:docker"},
        *more,
    ]
    return {"deployment": {"resources": resources}}


LITELLM = container("litellm", envs=hidden([f"LITELLM_MASTER_KEY={KEY}", "LOG_LEVEL=INFO"]))


def test_replicas_are_told_apart_by_their_number() -> None:
    second = container("litellm", envs=["A=b"])
    second["id"] = "id-2"
    second["inputs"]["labels"].append({"label": "litellm-claude.replica", "value": "2"})
    found = parse("test", state(second, LITELLM), CONFIG, "exported")
    assert found.replicas == ["litellm", "litellm-2"]
    assert (found.containers["litellm"].id, found.containers["litellm-2"].id) == ("id-litellm", "id-2")
    assert found.key == KEY


def test_containers_networks_and_volume_are_found_by_type_and_role() -> None:
    found = parse("test", state(LITELLM), CONFIG, "exported")
    assert {role: declared.id for role, declared in found.containers.items()} == {
        role: f"id-{role}" for role in ("litellm", "gateway", "egress", "front")
    }
    assert found.networks["backend"]["name"] == "net"
    assert (found.volume, found.key_created, found.exported) == ("the-volume", "2026-11-01", "exported")


def test_settings_of_this_project_count_and_empty_ones_do_not() -> None:
    settings = parse("test", state(LITELLM), CONFIG, "").settings
    assert settings.production
    assert [str(network) for network in settings.allowed_cidrs] == ["10.0.0.0/8"]
    assert (settings.log_level, settings.hostname) == ("INFO", "localhost")


def test_a_stack_whose_certificate_has_expired_is_judged_all_the_same() -> None:
    chain, key = pair("localhost", not_after=datetime.now(UTC) - timedelta(days=1))
    given = {"environment": "production", "hostname": "localhost", "tls": "provided", "tlsCertificate": chain}
    config = {f"litellm-claude:{name}": {"value": value} for name, value in {**given, "tlsPrivateKey": key}.items()}
    assert settings_of(config).tls_certificate == chain


def test_the_keys_of_a_container_and_private_keys_are_secrets_and_nothing_else_is() -> None:
    certificate = {
        "type": "tls:index/privateKey:PrivateKey",
        "inputs": {},
        "outputs": {"privateKeyPem": hidden(SECRET), "several": hidden({"privateKeys": [SECRET + "2"]})},
    }
    name = {"type": "tls:index/certRequest:CertRequest", "inputs": {"subject": hidden("a name, no secret")}}
    assert parse("test", state(LITELLM, certificate, name), CONFIG, "").secrets == {KEY, SECRET, SECRET + "2"}


def test_what_an_update_is_about_to_delete_is_not_declared() -> None:
    old = {**container("litellm"), "id": "old", "delete": True}
    assert parse("test", state(LITELLM, old), CONFIG, "").containers["litellm"].id == "id-litellm"


@pytest.mark.parametrize("shown", [state(), {}, {"deployment": {}}])
def test_a_stack_without_its_containers_is_answered_with_what_brings_it_up(shown: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match=r"it is not up\. Run: make up STACK=test"):
        parse("test", shown, CONFIG, "")


def test_a_settings_secret_is_one_that_pulumi_says_is_secret() -> None:
    config = {"a": {"value": "shown", "secret": False}, "b": {"value": KEY, "secret": True}, "c": {"value": "shown"}}
    assert list(config_secrets(config)) == [KEY]
