"""Clients that are declared wrongly: refused in sentences with the command that fixes them, and taken for no others."""

import json
from datetime import UTC, datetime
from typing import Any

import pulumi
import pytest

from rules.clients import Client
from tests.unit.components.conftest import Deploy

ALICE = "--path 'clients.alice"
WRONG_CLIENTS: list[tuple[dict[str, Any], str, str]] = [
    (
        {"alice": {"modles": []}},
        ".modles: is not a setting of a client; those are models, cidrs",
        f"rm {ALICE}.modles'",
    ),
    ({"alice": {"models": []}}, ".models: is wrong: list should have at least 1", f"set {ALICE}.models[0]' sonnet"),
    ({"alice": {"models": "haiku"}}, ".models: must be a valid list", f"set {ALICE}.models[0]' sonnet"),
    ({"alice": {"models": ["opus", "gpt"]}}, ".models[1]: is gpt, which is none of", f"set {ALICE}.models[1]' sonnet"),
    ({"alice": {"cidrs": ["10.0.0.1/8"]}}, ".cidrs[0]: must hold networks such", f"set {ALICE}.cidrs[0]' 10.20.0.0/16"),
    ({"alice": {"cidrs": ["10.0.0.0/8", 1]}}, ".cidrs[1]: must hold networks", f"set {ALICE}.cidrs[1]' 10.20.0.0/16"),
    ({"alice": {"cidrs": "10.0.0.0/8"}}, ".cidrs: must be a valid list", f"set {ALICE}.cidrs[0]' 10.20.0.0/16"),
    ({"alice": {"requestsPerMinute": 0}}, ".requestsPerMinute: must be greater", f"set {ALICE}.requestsPerMinute' 60"),
    ({"alice": {"expires": "soon"}}, ".expires: must be a valid date such as", f"set {ALICE}.expires' 2027-03-31"),
    ({"alice": {"keyRotation": "soon"}}, ".keyRotation: must be an ISO date", f"set {ALICE}.keyRotation' 2026-11-24"),
    ({"alice": {"previousKeyRotation": "initial"}}, ": is wrong: keyRotation must", f"rm {ALICE}.previousKeyRotation'"),
    ({"alice": {"previousKeyExpires": "2099-01-01T00:00:00Z"}}, "but previousKey", f"rm {ALICE}.previousKeyExpires'"),
    ({"alice": 5}, ": must have settings, such as maxParallel: 4", f"set {ALICE}.requestsPerMinute' 60"),
]
"""A client, what is said of it, and a command that is told; tests/integration/test_sentences.py types them all."""


@pytest.mark.parametrize(("clients", "sentence", "command"), WRONG_CLIENTS)
def test_a_wrong_client_is_refused_with_its_path_and_a_command(
    deploy: Deploy, clients: Any, sentence: str, command: str
) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        deploy("prod", clients=clients)
    assert str(refused.value).startswith("clients.alice")
    assert sentence in str(refused.value)
    assert f"pulumi config {command} --stack prod" in str(refused.value)


@pytest.mark.parametrize(
    ("clients", "sentence"),
    [
        ({"Alice": {}}, "clients.Alice: must name a client in 1 to 32 lower-case letters"),
        ({"a--b": {}}, "clients.a--b: must name a client"),
        ({"a" * 33: {}}, f"clients.{'a' * 33}: must name a client"),
        ({"a\x1b[31m": {}}, r"clients.a\x1b[31m: must name a client"),
        ({"master": {}}, "clients.master: must not call a client master"),
        ({"alice": {"a b": 1}}, "clients.alice.a b: is not a setting of a client"),
    ],
)
def test_what_may_stand_in_no_command_is_fixed_in_the_file(deploy: Deploy, clients: Any, sentence: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        deploy("prod", clients=clients)
    assert sentence in str(refused.value)
    assert str(refused.value).endswith(" Pulumi.prod.yaml")
    assert "pulumi config" not in str(refused.value)


def test_clients_that_are_none_are_refused(deploy: Deploy) -> None:
    with pytest.raises(pulumi.RunError, match="clients: must be a valid dictionary"):
        deploy("prod", clients="alice")


@pytest.mark.parametrize("name", ["it's", "a b", "$(x)", "A"])
def test_a_wrong_name_gets_into_no_command(deploy: Deploy, name: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        deploy("prod", clients={name: {"maxParallel": 0}})
    commands = [command.splitlines()[0] for command in str(refused.value).split("Fix: ")[1:]]
    assert commands
    assert [command for command in commands if name in command] == []


@pytest.mark.parametrize("form", ["2027-03-31", "2027-03-31 00:00:00 +0000 UTC", "2027-03-31T00:00:00Z"])
def test_a_day_needs_no_quotes_in_the_stacks_file(deploy: Deploy, form: str) -> None:
    """YAML takes it for a time, and Pulumi hands that over as Go or JSON print it."""
    made = "2026-11-25" + form[10:]
    rotated = {"keyRotation": made, "previousKeyRotation": made, "previousKeyExpires": "2099-01-01 10:00:00 +0100 CET"}
    rules = Client.model_validate({"expires": form, **rotated, "previousKeyRotation": "initial"})
    assert rules.end == datetime(2027, 4, 1, tzinfo=UTC)
    assert rules.generation == "2026-11-25"
    assert rules.previous_key_expires == datetime(2099, 1, 1, 9, tzinfo=UTC)
    changes = {"clients": {"ci": {"expires": form}}, "keyRotation": made, "securityUpdates": made}
    assert (
        json.loads(deploy("prod", **changes).env("litellm")["GATEWAY_CLIENTS"])["ci"]["keys"][0][2][:10] == "2027-04-01"
    )


@pytest.mark.parametrize("form", ["2027-03-31 10:00:00 +0000 UTC", "2027-03-31T10:00:00Z", "2027-03-31 x"])
def test_a_time_is_no_day(form: str) -> None:
    with pytest.raises(ValueError, match="expires"):
        Client.model_validate({"expires": form})


@pytest.mark.parametrize(
    "written", [True, 0, 20270331, 1900800000, "1900800000", "20270331", "2027-02-30", "", [], 1e9]
)
def test_a_number_is_no_day(written: Any) -> None:
    """Pydantic takes one for seconds since 1970: a client would end on another day than somebody meant."""
    with pytest.raises(ValueError, match="must be a valid date such as 2027-03-31"):
        Client.model_validate({"expires": written})


@pytest.mark.parametrize("name", ["requestsPerMinute", "tokensPerMinute", "maxParallel"])
@pytest.mark.parametrize("written", [True, False])
def test_true_is_no_number(name: str, written: bool) -> None:
    with pytest.raises(ValueError, match="neither true nor false"):
        Client.model_validate({name: written})


def test_the_last_day_of_the_calendar_is_never(deploy: Deploy) -> None:
    graph = deploy("prod", clients={"ever": {"expires": "9999-12-31"}})
    assert json.loads(graph.env("litellm")["GATEWAY_CLIENTS"])["ever"]["keys"][0][2].startswith("9999-12-31T23:59")
    assert graph.warnings == []
