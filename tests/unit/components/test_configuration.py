"""Wrong configuration ends in sentences that name the key, what is wrong and the command that fixes it."""

import json
from typing import Any

import pulumi
import pytest

from rules.configuration import SECRETS, load
from rules.setting_types import TlsMode
from rules.settings import Settings
from tests.unit.components.conftest import PROJECT, configuration

STRONG = "sk-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
OTHER = "sk-2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
EXPIRES = "2026-11-25T12:00:00Z"


def settings(stack: str, secrets: dict[str, str] | None = None, /, **changes: Any) -> Settings:
    secrets = secrets or {}
    values = configuration(stack, {**changes, **secrets})
    pulumi.runtime.set_all_config(values, [f"{PROJECT}:{name}" for name in secrets])
    return load(pulumi.Config(PROJECT))


def refusal(stack: str, secrets: dict[str, str] | None = None, /, **changes: Any) -> str:
    with pytest.raises(pulumi.RunError) as refused:
        settings(stack, secrets, **changes)
    return str(refused.value)


@pytest.mark.parametrize(
    ("stack", "key", "reason"),
    [
        ("prod", "sk-development-only", "is a well-known key"),
        ("prod", "sk-1234", "is a well-known key"),
        ("prod", "", "is blank"),
        ("prod", "   ", "is blank"),
        ("prod", "sk-", "has nothing behind 'sk-'"),
        ("prod", STRONG.removeprefix("sk-"), "must start with 'sk-'"),
        ("prod", STRONG[:-1], "is too short to hold 32 random bytes"),
        ("prod", "sk-" + "a" * 64, "does not look random enough"),
        ("prod", "sk-" + "0123456789abcdef" * 4, "does not look random enough"),
        ("prod", "sk-" + "1" * 70, "is too short"),
        ("prod", STRONG * 4, "is longer than 256 characters"),
        ("dev", "sk-" + "x" * 254, "is longer than 256 characters"),
        ("prod", STRONG + " x", "must consist of printable ASCII characters"),
        ("dev", "", "is blank"),
        ("dev", "mine", "must start with 'sk-'"),
    ],
)
@pytest.mark.parametrize("name", ["masterKey", "previousMasterKey"])
def test_unfit_keys_are_refused_without_being_quoted(stack: str, key: str, reason: str, name: str) -> None:
    secrets = {name: key} if name == "masterKey" else {"masterKey": OTHER, name: key}
    message = refusal(stack, secrets)
    assert message.startswith(f"{name}: {reason}")
    assert f"pulumi config set --secret {name}" in message
    assert "\n" not in message
    if len(key.strip()) > 3:
        assert key not in message


def test_development_takes_a_weak_key_on_loopback_alone() -> None:
    assert settings("dev", {"masterKey": "sk-mine"}).master_key is not None
    exposed = {"bindAddresses": ["0.0.0.0"], "tls": "managed"}
    assert refusal("dev", {"masterKey": "sk-mine"}, **exposed).startswith("masterKey: is too short")
    assert refusal("dev", **exposed).startswith("masterKey: must be set: the development key is refused")
    assert settings("dev", {"masterKey": STRONG}, **exposed).tls_mode is TlsMode.MANAGED
    assert settings("dev", bindAddresses=["::1", "127.0.0.2"]).loopback_only


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_in_the_clear_is_refused_without_being_quoted(name: str) -> None:
    message = refusal("prod", **{name: STRONG})
    assert message.startswith(f"{name}: was set without --secret")
    assert f"pulumi config set --secret {name}" in message
    assert STRONG not in message


@pytest.mark.parametrize(
    ("wrong", "nearest"), [("masterkey", "masterKey"), ("allowedCidr", "allowedCidrs"), ("egressallow", "egressAllow")]
)
def test_an_unknown_setting_is_refused_with_the_nearest_name(wrong: str, nearest: str) -> None:
    command = f"pulumi config rm {wrong} --stack {pulumi.get_stack()}"
    expected = f"{wrong}: is not a setting; the nearest setting is {nearest}. Fix: {command}"
    assert refusal("prod", **{wrong: "x"}) == expected


def test_an_unknown_setting_unlike_any_other_points_to_the_list() -> None:
    assert "Pulumi.yaml lists the settings" in refusal("prod", zzzz="x")


@pytest.mark.parametrize(
    ("key", "removed"),
    [
        ("my model", "--path 'models[\"my model\"]'"),
        *((key, "models") for key in ("a\x1b[2J", "it's", 'a"b', "a]b", "")),
    ],
)
def test_the_wrong_item_of_a_map_is_removed_alone_where_its_name_can_be_typed(key: str, removed: str) -> None:
    stack = f"--stack {pulumi.get_stack()}"
    fix = f"pulumi config rm {removed} {stack}; pulumi config set --path 'models.sonnet' claude-sonnet-5-5 {stack}"
    sentence = f"models: must consist of model names (letters, digits, and any of . _ : / -). Fix: {fix}"
    assert refusal("prod", models={key: "no such model"}) == sentence


def test_settings_of_other_namespaces_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"docker:host": "unix:///x"}))
    assert settings("dev").docker_host is None


WRONG: list[tuple[str, Any, str]] = [
    ("environment", "", "must be set"),
    ("environment", "staging", "must be 'development' or 'production'"),
    ("port", "0", "must be greater than or equal to 1"),
    ("port", "abc", "must be a valid integer"),
    ("hostname", "https://gateway", "must be a host name such as"),
    ("hostname", "-x", "must be a host name such as"),
    ("hostname", "10.0.0.256", "must be a host name such as"),
    ("bindAddresses", [], "is wrong: list should have at least 1 item"),
    ("bindAddresses", "not json", "must be a valid list"),
    ("bindAddresses", ["eth0"], "must hold IP addresses such as"),
    ("bindAddresses", ["fe80::1%eth0"], "must hold IP addresses such as"),
    ("bindAddresses", ["::ffff:10.0.0.5"], "must hold IPv4 addresses as such"),
    ("bindAddresses", ["10.0.0.5", "224.0.0.1"], "holds 224.0.0.1, on which nothing can listen"),
    ("bindAddresses", ["10.0.0.5", "10.0.0.5"], "holds 10.0.0.5, where another one of them publishes the port already"),
    ("bindAddresses", ["10.0.0.5", "0.0.0.0"], "holds 10.0.0.5, where another one of them publishes the port already"),
    ("hostname", "fe80::1%eth0", "must be a host name such as"),
    ("egressDns", ["127.0.0.53"], "holds 127.0.0.53, which is the egress proxy's container itself"),
    ("egressDns", ["10.0.0.53", "0.0.0.0"], "holds 0.0.0.0, which is the egress proxy's container itself"),
    ("egressDns", ["fd00::53"], "holds fd00::53, but the egress proxy's network has IPv4 alone"),
    ("allowedCidrs", ["10.0.0.0/33"], "must hold networks such as"),
    ("allowedCidrs", ["10.0.0.1/8"], "must hold networks such as"),
    ("allowedCidrs", [10], "must hold networks such as"),
    ("allowedCidrs", ["fe80::1%eth0"], "must hold networks such as"),
    ("allowedCidrs", ["::ffff:0:0/96"], "must hold IPv4 networks as such"),
    ("allowedCidrs", ["0.0.0.0/0"], "holds 0.0.0.0/0, the whole internet"),
    ("allowedCidrs", ["::/0"], "holds ::/0, the whole internet"),
    ("allowedCidrs", ["0.0.0.0/1", "128.0.0.0/1"], "holds 0.0.0.0/1, a large part of the internet"),
    ("allowedCidrs", ["::/1", "8000::/1"], "holds ::/1, a large part of the internet"),
    ("allowedCidrs", ["10.0.0.0/8", "12.0.0.0/8", "13.0.0.0/8"], "holds 12.0.0.0/8, a large part of the internet"),
    (
        "allowedCidrs",
        [f"10.{n // 256}.{n % 256}.0/24" for n in range(9000)],
        "is too long to be handed to a container: at most 120 KiB",
    ),
    ("egressPrivateCidrs", ["0.0.0.0/0"], "holds 0.0.0.0/0, which is not a private network"),
    ("egressPrivateCidrs", ["10.0.0.0/8", "::/0"], "holds ::/0, which is not a private network"),
    ("egressPrivateCidrs", ["10.0.0.0/7"], "holds 10.0.0.0/7, which is not a private network"),
    ("egressPrivateCidrs", ["8.8.8.0/24"], "holds 8.8.8.0/24, which is not a private network"),
    ("egressAllow", [".co.uk"], "must hold names of one owner"),
    ("egressAllow", ["com.au"], "must hold names of one owner"),
    ("egressAllow", [".github.io"], "must hold names of one owner"),
    ("maxConnectionsPerSource", "1001", "must be less than or equal to 1000"),
    ("failedAuthPerMinute", "10001", "must be less than or equal to 10000"),
    ("hostname", "10.0.0.0.1", "must be a host name such as"),
    ("egressAllow", ["com"], "must be a domain name such as"),
    ("egressAllow", ["*.example.org"], "must be a host name such as"),
    ("egressAllow", ["10.0.0.1"], "must be a domain name such as"),
    ("tls", "off", "is off, which is for loopback alone"),
    ("tls", "provided", "tlsCertificate: and tlsPrivateKey must both be set"),
    ("tlsProfile", "old", "must be 'intermediate' or 'modern'"),
    ("tlsRenewalHours", "2160", "must be less than tlsValidityHours"),
    ("redirectPort", "443", "needs TLS and a port other than the gateway's own"),
    ("metricsPort", "443", "must be a port other than the gateway's own"),
    ("metricsPort", "65536", "must be less than or equal to 65535"),
    ("metricsAddress", "0.0.0.0", "is 0.0.0.0, but must be an IPv4 address: of loopback, or a private one"),
    ("metricsAddress", "8.8.8.8", "is 8.8.8.8, but must be an IPv4 address"),
    ("metricsAddress", "::1", "is ::1, but must be an IPv4 address"),
    ("keyRotation", "yesterday", "must be an ISO date"),
    ("keyRotation", "2026-02-31", "must be a day that the calendar has"),
    ("keyRotation", "9999-01-01", "must not be in the future"),
    ("dockerHost", "http://10.0.0.1:2375", "must begin with one of: unix://, ssh://, tcp://"),
    ("dockerHost", "ssh://[fe80::1", "must be an address, and its square brackets"),
    ("dockerHost", "tcp://10.0.0.1:2376", "dockerCertPath: must be set for a tcp:// engine"),
    ("previousKeyRotation", "2026-11-01", "previousKeyExpires: must say until when"),
    ("previousKeyExpires", EXPIRES, "is set, but neither previousKeyRotation nor previousMasterKey is"),
    ("previousKeyExpires", "2026-11-25T12:00:00", "must have timezone info"),
    ("previousKeyExpires", "9999-12-31T23:59:59-05:00", "must be a time such as 2026-11-25T12:00:00Z"),
    ("previousKeyExpires", "0001-01-01T00:00:00+05:00", "must be a time such as 2026-11-25T12:00:00Z"),
    ("previousKeyExpires", "1900800000", "must be a time such as 2026-11-25T12:00:00Z"),
    ("litellmImage", "ghcr.io/berriai/litellm:latest", "must name an image by digest"),
    ("logLevel", "DEBUG", "is DEBUG, which logs requests whole"),
    ("anthropicBaseUrl", "http://llm.example.org", "must be an https URL"),
    ("anthropicBaseUrl", "https://user@llm.example.org", "must be an https URL"),
    ("upstreamCaCertificates", "nonsense", "is not a PEM bundle"),
    ("claudeWarmProcesses", "9", "must not exceed claudeMaxConcurrency"),
    ("models", {}, "is wrong: dictionary should have at least 1 item"),
    ("models", {"a b": "claude"}, "must consist of model names"),
    ("litellmCpus", "0", "must be greater than or equal to 0.01"),
    ("litellmCpus", "inf", "must be a finite number"),
    ("litellmCpus", "0.3333333333", "must have 9 decimals at most"),
    ("litellmCpus", "0.05", "must be another number: Pulumi's provider reads 0.05 back as 0.1, and would replace"),
    ("claudeAuthVolume", "/srv/claude", "must be a volume's name"),
    ("claudeAuthVolume", "./claude", "must be a volume's name"),
    ("claudeAuthVolume", "a b", "must be a volume's name"),
]


@pytest.mark.parametrize(("name", "value", "reason"), WRONG)
def test_a_wrong_value_ends_in_one_sentence_with_a_command(name: str, value: Any, reason: str) -> None:
    message = refusal("prod", **{name: value})
    key, _, text = (
        reason.rpartition(": ") if reason.startswith(("tls", "previous", "dockerCertPath")) else ("", "", reason)
    )
    assert message.startswith(f"{key or name}: {text}")
    for command in message.partition(". Fix: ")[2].split("; "):
        assert command.startswith("pulumi config ")
        assert f" --stack {pulumi.get_stack()}" in command
    assert "Traceback" not in message


def test_without_tls_the_metrics_stay_on_this_machine() -> None:
    wrong = refusal("dev", metricsPort="9464", metricsAddress="10.0.0.1")
    assert wrong.startswith("metricsAddress: must be loopback while tls is off")
    assert settings("dev", {}, metricsPort="9464").metrics_port == 9464


def test_several_wrong_values_are_all_named() -> None:
    lines = refusal("prod", port="0", hostname="a b").splitlines()
    assert sorted(line.split(":")[0] for line in lines) == ["hostname", "port"]


def test_a_project_of_another_name_is_refused() -> None:
    """Everything on the engine, and in the operations, is found by the name."""
    pulumi.runtime.set_all_config({"gateway:environment": "development"})
    with pytest.raises(pulumi.RunError, match=r"named gateway, .* --name litellm-claude"):
        load(pulumi.Config("gateway"))
