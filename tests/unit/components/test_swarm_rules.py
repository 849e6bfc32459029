"""What a Swarm cannot have is refused in one sentence with its way out, and where images are pulled from."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.convergence import _digest, said
from components.service import short_duration
from rules import registry
from tests.unit.components.conftest import Deploy, plain
from tests.unit.components.test_acme import HTTP
from tests.unit.components.test_configuration import refusal, settings
from tests.unit.components.test_swarm import CREDENTIAL, SETTINGS, up

PROVIDER = "pulumi:providers:docker"
BY_ID = f"sha256:{'3' * 64}"


@pytest.mark.parametrize(
    ("changes", "secrets", "words", "fix"),
    [
        ({"registry": ""}, CREDENTIAL, "registry: must be set", "set registry registry.example.org/litellm-claude"),
        ({"bindAddresses": ["127.0.0.1"]}, CREDENTIAL, "bindAddresses: must be 0.0.0.0", "'bindAddresses[0]' 0.0.0.0"),
        ({"bindAddresses": ["0.0.0.0", "10.0.0.5"]}, CREDENTIAL, "never by the mesh, which hides who calls", "0.0.0.0"),
        (
            {"bindAddresses": ["0.0.0.0", "::"], "allowHost": False},
            CREDENTIAL,
            "bindAddresses: must be 0.0.0.0",
            "rm bindAddresses --stack stack; pulumi config set --path 'bindAddresses[0]' 0.0.0.0",
        ),
        ({}, {}, "claudeOauthToken: or anthropicApiKey must be set", "set --secret claudeOauthToken"),
        ({"allowHost": True}, CREDENTIAL, "allowHost: must be false", "set allowHost false"),
        (
            HTTP,
            CREDENTIAL,
            "tls: must be managed or provided",
            "set tls managed",
        ),
        ({"usageDays": 1}, CREDENTIAL, "usageDays: must be 0", "set usageDays 0"),
        *(
            ({name: BY_ID}, CREDENTIAL, f"{name}: must have a name before its digest", f"rm {name}")
            for name in ("litellmImage", "gatewayImage", "egressImage", "frontImage", "valkeyImage")
        ),
    ],
)  # fmt: skip
def test_what_a_swarm_cannot_have_is_refused_with_what_mends_it(
    changes: dict[str, Any], secrets: dict[str, str], words: str, fix: str
) -> None:
    message = refusal("prod", secrets, **{**SETTINGS, **changes})
    assert words in message
    assert "with orchestrator swarm" in message
    assert f"Fix: pulumi config {fix}" in message or fix in message.partition("Fix: ")[2]
    assert "--stack" in message
    assert "\n" not in message


def test_none_of_it_is_refused_on_one_host() -> None:
    assert settings("prod", usageDays=30, gatewayImage=BY_ID, orchestrator="docker").registry is None


@pytest.mark.parametrize(
    "wrong",
    [
        "https://registry.example.org",
        "Registry",
        "host:port",
        "r.org:65536",
        "r.org:0",
        "host/",
        "host/UPPER",
        "a b",
        "-host",
        "u@host",
    ],
)
def test_a_registry_is_a_host(wrong: str) -> None:
    assert "registry: must be a registry's host" in refusal("prod", CREDENTIAL, **{**SETTINGS, "registry": wrong})


@pytest.mark.parametrize("word", ["registry", "http://registry", "me/llm"])
def test_a_word_that_docker_takes_for_a_user_of_docker_hub_is_no_registry(word: str) -> None:
    """Distribution's reference: the first part is a host when it has a dot or a port, or is localhost."""
    message = refusal("prod", CREDENTIAL, **{**SETTINGS, "registry": word})
    assert "registry: must be a host with a dot or a port" in message
    for host in ("localhost/llm", "http://registry:5000", "registry.internal"):
        assert settings("prod", CREDENTIAL, **{**SETTINGS, "registry": host}).registry == host


@pytest.mark.parametrize("host", ["docker.io/me", "index.docker.io/me", "registry-1.docker.io", "hub.docker.com/me"])
def test_docker_hub_has_no_names_as_long_as_ours(host: str) -> None:
    """Docker's documentation, "Repositories": NAMESPACE/REPOSITORY; ours are below PREFIX/litellm-claude/."""
    message = refusal("prod", CREDENTIAL, **{**SETTINGS, "registry": host})
    assert "registry: must be another registry than Docker Hub" in message
    assert settings("prod", CREDENTIAL, **{**SETTINGS, "registry": "mydocker.io/me"}).registry == "mydocker.io/me"


@pytest.mark.parametrize("wrong", ["front", "node.labels.front", "node.labels.front = yes", "node.role==a b"])
def test_placement_is_in_constraints(wrong: str) -> None:
    message = refusal("prod", CREDENTIAL, **{**SETTINGS, "frontPlacement": [wrong]})
    assert "frontPlacement: must be constraints" in message
    assert "--path 'frontPlacement[0]' node.labels.front==yes" in message


@pytest.mark.parametrize(
    ("given", "place", "host", "address"),
    [
        ("registry.example.org", "registry.example.org", "registry.example.org", "https://registry.example.org"),
        ("r.example.org:5000/a/b", "r.example.org:5000/a/b", "r.example.org:5000", "https://r.example.org:5000"),
        ("http://10.0.0.9:5000/a", "10.0.0.9:5000/a", "10.0.0.9:5000", "http://10.0.0.9:5000"),
    ],
)
def test_where_a_registry_is_asked_and_what_its_images_are_called(
    given: str, place: str, host: str, address: str
) -> None:
    assert (registry.place(given), registry.host(given), registry.address(given)) == (place, host, address)
    assert settings("prod", CREDENTIAL, **{**SETTINGS, "registry": given}).registry == given


@pytest.mark.parametrize(
    ("config", "known"),
    [
        ({"auths": {"r.example.org": {}}}, True),
        ({"credHelpers": {"r.example.org": "pass"}}, True),
        ({"auths": {"other.example.org": {}}}, False),
        ({"auths": None}, False),
        ("no JSON", False),
        ([], False),
        (None, False),
    ],
)
def test_the_provider_signs_in_where_dockers_client_has(tmp_path: Path, config: Any, known: bool) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    assert registry.signed_in("r.example.org/llm", {"DOCKER_CONFIG": str(tmp_path)}) is known
    assert registry.signed_in("http://r.example.org", {"DOCKER_CONFIG": str(tmp_path)}) is False


def test_without_a_folder_of_its_own_dockers_client_has_the_users(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"auths": {"r.example.org": {}}}')
    assert registry.signed_in("r.example.org", {"HOME": str(tmp_path)}) is True


@pytest.mark.parametrize("known", [True, False])
def test_a_registry_without_sign_in_is_asked_without(
    deploy: Deploy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.example.org": {}} if known else {}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (provider,) = up(deploy).of(PROVIDER)
    (auth,) = json.loads(plain(provider.inputs)["registryAuth"])
    assert auth == {"address": "https://registry.example.org", **({} if known else {"authDisabled": True})}
    (provider,) = deploy("prod", registry="registry.example.org").of(PROVIDER)
    assert "registryAuth" not in provider.inputs


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "5s"),
        (60, "1m"),
        (61, "1m1s"),
        (600, "10m"),
        (608, "10m8s"),
        (3600, "1h"),
        (5400, "1h30m"),
        (3601, "1h0m1s"),
    ],
)
def test_durations_are_written_as_the_provider_reads_them_back(seconds: int, text: str) -> None:
    assert short_duration(seconds) == text


def test_what_a_refresh_adds_without_a_value_is_no_change_of_a_service() -> None:
    made = {"env": {"A": "b"}, "image": "x", "secrets": [{"fileName": "K"}]}
    refreshed = {**made, "sysctl": {}, "commands": [], "dir": "", "init": False, "dnsConfig": {"nameservers": None}}
    assert said(refreshed) == said(made) == made
    assert said({**made, "image": "y"}) != said(made)
    assert said([1, "a", {"b": None}]) == [1, "a", {}]
    assert _digest([dict(reversed(made.items()))]) == _digest([refreshed]) != _digest([{**made, "image": "y"}])
