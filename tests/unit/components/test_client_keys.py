"""Clients as code: a key for each, of which the containers see digests alone."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.clients import NAME, Client, fault, handed_over, size
from rules.refusal import Refusal
from rules.settings import Settings
from rules.sizes import ENVIRONMENT_BYTES
from tests.unit.components.conftest import ROOT, Deploy
from tests.unit.components.test_certificates import pair
from tests.unit.components.test_master_key import GENERATED, PASSWORD
from tests.unit.components.test_secrets import exposed

CLIENTS: dict[str, Any] = {
    "alice": {"models": ["sonnet", "claude-haiku-5-5"], "requestsPerMinute": 60},
    "ci": {"expires": "2099-03-31", "cidrs": ["10.20.0.0/16"], "maxParallel": 2, "tokensPerMinute": 200000},
}
DIGEST = hashlib.sha256(GENERATED.encode()).hexdigest()


def test_a_stack_without_clients_declares_and_exports_nothing_more(deploy: Deploy) -> None:
    graph = deploy("prod")
    assert [name for name in graph.outputs if "client" in name] == []
    assert [name for name in graph.env("litellm") if "CLIENT" in name or name == "MASTER_KEY_CALLS_MODELS"] == []
    assert [found.name for found in graph.resources if "client" in found.name] == []


def test_each_client_has_a_key_of_its_own_and_litellm_gets_digests_alone(deploy: Deploy) -> None:
    graph = deploy("prod", clients=CLIENTS)
    names = {found.name for found in graph.of(PASSWORD)}
    assert {"litellm-claude-prod-client-alice-key-initial", "litellm-claude-prod-client-ci-key-initial"} <= names
    assert graph.outputs["client_keys"] == {"value": {"alice": GENERATED, "ci": GENERATED}, "secret": True}
    today = datetime.now(UTC).date().isoformat()
    assert graph.outputs["clients"] == {
        "value": {name: {"generation": "initial", "created": today} for name in CLIENTS},
        "secret": False,
    }
    told = json.loads(graph.env("litellm")["GATEWAY_CLIENTS"])
    assert told == {
        "alice": {
            "keys": [[DIGEST, "initial", None]],
            "models": ["sonnet", "claude-haiku-5-5"],
            "requestsPerMinute": 60,
        },
        "ci": {
            "keys": [[DIGEST, "initial", "2099-04-01T00:00:00+00:00"]],
            "cidrs": ["10.20.0.0/16"],
            "maxParallel": 2,
            "tokensPerMinute": 200000,
        },
    }
    assert [found.name for found in graph.resources if exposed(found.inputs, [DIGEST, GENERATED])] == []


def test_a_name_with_nothing_behind_it_is_a_client_without_limits(deploy: Deploy) -> None:
    alone, braces = deploy("prod", clients={"bob": None}), deploy("prod", clients={"bob": {}})
    assert alone.env("litellm") == braces.env("litellm")
    assert alone.outputs["client_keys"] == {"value": {"bob": GENERATED}, "secret": True}


def test_a_clients_rotation_keeps_the_previous_key_until_it_ends(deploy: Deploy) -> None:
    until = "2099-01-01T00:00:00Z"
    rotated = {"keyRotation": "2026-11-24", "previousKeyRotation": "initial", "previousKeyExpires": until}
    graph = deploy("prod", clients={"alice": rotated})
    before = deploy("prod", clients={"alice": {}})
    assert {found.name for found in before.of(PASSWORD)} < {found.name for found in graph.of(PASSWORD)}
    (alice,) = json.loads(graph.env("litellm")["GATEWAY_CLIENTS"]).values()
    assert alice["keys"] == [[DIGEST, "2026-11-24", None], [DIGEST, "initial", "2099-01-01T00:00:00+00:00"]]


def test_an_old_key_never_outlives_its_client() -> None:
    client = Client.model_validate(
        {
            "expires": "2026-12-31",
            "keyRotation": "2026-11-24",
            "previousKeyRotation": "initial",
            "previousKeyExpires": "2027-06-01T00:00:00Z",
        }
    )
    end = datetime(2027, 1, 1, tzinfo=UTC)
    assert client.generations() == {"2026-11-24": end, "initial": end}


def test_an_expired_client_is_a_warning_with_the_command_that_prolongs_it(deploy: Deploy) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    (warning,) = deploy("prod", clients={"old": {"expires": yesterday}, "new": {"expires": "2099-01-01"}}).warnings
    assert f"the client old expired on {yesterday} and is refused" in warning
    assert "pulumi config set --stack prod --path 'clients.old.expires' DATE" in warning


def test_the_master_key_can_be_the_operators_alone(deploy: Deploy) -> None:
    env = deploy("prod", clients=CLIENTS, masterKeyCallsModels="false").env("litellm")
    assert env["MASTER_KEY_CALLS_MODELS"] == "false"


def test_somebody_must_be_able_to_call_a_model(deploy: Deploy) -> None:
    with pytest.raises(pulumi.RunError, match="masterKeyCallsModels: is false, but there are no clients"):
        deploy("prod", masterKeyCallsModels="false")


def test_pulumi_waits_for_registrations_rather_than_for_all_outputs_at_once(deploy: Deploy) -> None:
    """The second is quadratic: a preview with 500 clients took half as long again (make bench-clients)."""
    graph = deploy("prod", clients={f"c{number}": {} for number in range(20)})
    assert graph.begun >= len(graph.resources) > 20


def test_500_clients_fit_and_more_than_an_environment_holds_are_refused() -> None:
    full = Client.model_validate(CLIENTS["ci"])
    many = {f"client-number-{number}": full for number in range(500)}
    assert fault(many, {}, master_key_calls_models=True) is None
    more = {f"client-number-{number}": full for number in range(1500)}
    assert size(more) > ENVIRONMENT_BYTES
    found = fault(more, {}, master_key_calls_models=True)
    assert found == Refusal("clients", "is too long to be handed to a container: at most 120 KiB in all")


def test_the_size_is_that_of_what_is_handed_over() -> None:
    clients = {"alice": Client.model_validate({"models": ["sonnet"]})}
    assert size(clients) == len(handed_over(clients, {"alice": [DIGEST]}))


SHAPES = st.text(max_size=40) | st.text("az09-_.A\n\u0131\uff41\u0660 '", max_size=40) | st.from_regex(NAME)


@given(SHAPES)
def test_a_name_is_a_word_that_fits_into_a_path_a_log_and_a_resource(name: str) -> None:
    try:
        Settings.model_validate({"environment": "production", "clients": {name: {}}})
    except ValueError:
        return
    assert NAME.fullmatch(name)
    assert name.isascii()
    assert len(name) <= 32
    assert name not in ("master", "metrics")
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789-")


@given(st.from_regex(NAME, fullmatch=True))
def test_a_name_of_that_form_is_taken(name: str) -> None:
    assume(len(name) <= 32 and name not in ("master", "metrics"))
    Settings.model_validate({"environment": "production", "clients": {name: {}}})


def test_a_clients_addresses_narrow_who_may_connect_and_never_widen_it(deploy: Deploy) -> None:
    """They are LiteLLM's to judge, behind a gateway that has let the source in by allowedCidrs alone."""
    elsewhere = {"ci": {"cidrs": ["203.0.113.0/24"]}}
    plain, asked = deploy("prod"), deploy("prod", clients=elsewhere)
    for role in ("front", "gateway"):
        assert asked.container(role).inputs == plain.container(role).inputs
    assert "203.0.113" in asked.env("litellm")["GATEWAY_CLIENTS"]


def test_prometheus_gets_a_key_of_its_own_and_litellm_its_digest(deploy: Deploy) -> None:
    graph = deploy("prod", metricsPort=9464)
    assert graph.outputs["metrics_key"] == {"value": GENERATED, "secret": True}
    assert graph.env("litellm")["METRICS_KEY_SHA256"] == DIGEST
    assert graph.env("gateway")["GATEWAY_METRICS_KEY_SHA256"] == DIGEST
    ports = [(p["ip"], p["external"], p["internal"]) for p in graph.container("front").inputs["ports"]]
    assert ports[0] == ("127.0.0.1", 9464, 8090)
    assert [found.name for found in graph.resources if exposed(found.inputs, [DIGEST, GENERATED])] == []
    without = deploy("prod")
    assert "metrics_key" not in without.outputs
    assert [name for role in ("gateway", "litellm") for name in without.env(role) if "METRICS" in name] == []


def test_metrics_on_an_address_of_the_host_count_its_own_processes_as_the_host(deploy: Deploy) -> None:
    answers = {"tls:index/locallySignedCert:LocallySignedCert": {"certPem": pair("gateway")[0]}}
    graph = deploy("prod", metricsPort=9464, metricsAddress="10.0.0.1", answers=answers)
    assert graph.env("gateway")["GATEWAY_HOST_ADDRESSES"] == "10.0.0.1"


@pytest.mark.parametrize("page", ["README.md", "docs/keys.md"])
def test_the_clients_of_the_documentation_are_taken_as_they_stand_there(deploy: Deploy, page: str) -> None:
    shown = (ROOT / page).read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    (declared,) = yaml.safe_load(shown).values()
    handed_over = json.dumps(declared, default=lambda day: f"{day} 00:00:00 +0000 UTC")  # as Pulumi does
    assert set(json.loads(deploy("prod", clients=handed_over).env("litellm")["GATEWAY_CLIENTS"])) == set(declared)
