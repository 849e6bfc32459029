"""Settings that say something only together, and what is made of them."""

from ipaddress import ip_address
from typing import Any

import pulumi
import pytest

from rules.addresses import PRIVATE
from rules.setting_types import ClaudeAuth
from rules.upstream import LOGIN_HOSTS
from tests.unit.components.conftest import Deploy
from tests.unit.components.test_configuration import EXPIRES, OTHER, STRONG, refusal, settings


def test_names_are_taken_in_lower_case_and_without_their_final_dot() -> None:
    taken = settings("prod", hostname="Gateway.Example.ORG.", egressAllow=[".Example.org", "api.Anthropic.com."])
    assert taken.hostname == "gateway.example.org"
    assert taken.egress_hosts == [".example.org", "api.anthropic.com"]


def test_a_subdomain_of_a_public_suffix_is_an_owners_own() -> None:
    own = [".example.co.uk", "docs.github.io", ".corp.internal"]
    taken = settings("prod", egressAllow=own, anthropicBaseUrl="https://llm.corp.internal")
    assert taken.egress_hosts == [".corp.internal", ".example.co.uk", "docs.github.io"]


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ([".a.example.org", ".example.org"], [".example.org"]),
        (["example.org", ".example.org"], [".example.org"]),
        (["api.example.org", ".example.org", "b.a.example.org"], [".example.org"]),
        (["xexample.org", ".example.org", "example.com"], [".example.org", "example.com", "xexample.org"]),
        (["example.org", "a.example.org"], ["a.example.org", "example.org"]),
    ],
)
def test_a_name_that_another_one_holds_is_left_out(given: list[str], left: list[str]) -> None:
    """Squid does not start when a name on its list is below one before it."""
    assert settings("prod", egressAllow=[*given, "api.anthropic.com"]).egress_hosts == sorted(
        [*left, "api.anthropic.com"]
    )


@pytest.mark.parametrize(
    ("listed", "url", "fix"),
    [
        (["example.org"], "", "set --path 'egressAllow[1]' api.anthropic.com"),
        ([".api.anthropic.com.example.org", "xapi.anthropic.com"], "", "set --path 'egressAllow[2]' api.anthropic.com"),
        (["api.anthropic.com"], "https://llm.example.org:8443", "set --path 'egressAllow[1]' llm.example.org"),
        (["api.anthropic.com"], "https://10.1.2.3", "rm egressAllow"),
        (["api.anthropic.com"], "https://[fd00::1]", "rm egressAllow"),
        ([".anthropic.com"], "", None),
        ([".llm.example.org"], "https://llm.example.org", None),
        ([], "https://10.1.2.3", None),
    ],
)
def test_a_list_on_which_the_upstream_is_not_is_refused(listed: list[str], url: str, fix: str | None) -> None:
    """The stack would come up, and answer no request."""
    if fix is None:
        assert settings("prod", egressAllow=listed, anthropicBaseUrl=url)
        return
    message = refusal("prod", egressAllow=listed, anthropicBaseUrl=url)
    assert message.startswith("egressAllow: does not hold ")
    assert f"Fix: pulumi config {fix} --stack" in message


@pytest.mark.parametrize(
    "changes",
    [{"tlsValidityHours": 24}, {"tlsValidityHours": 2}, {"tlsRenewalHours": 2160}, {"claudeMaxConcurrency": 1}],
)
def test_a_default_that_another_setting_leaves_no_room_for_is_named_with_a_value_that_fits(
    changes: dict[str, int],
) -> None:
    """The command with the default itself would be refused again."""
    command = refusal("prod", **changes).partition("Fix: pulumi config set ")[2]
    name, value, _ = command.split(" ", 2)
    assert settings("prod", **{**changes, name: value})


def test_a_list_without_the_logins_own_hosts_is_warned_of(deploy: Deploy) -> None:
    def warned(secrets: dict[str, str] | None = None, *more: str) -> list[str]:
        graph = deploy("prod", secrets=secrets, egressAllow=["api.anthropic.com", *more])
        return [one for one in graph.warnings if one.startswith("egressAllow does not hold")]

    (sentence,) = warned(None, "claude.ai")
    assert "hold console.anthropic.com, platform.claude.com, where a Claude login" in sentence
    assert "pulumi config rm egressAllow --stack prod" in sentence
    assert warned({"claudeOauthToken": "sk-ant-oat01-x"}) == warned(None, *LOGIN_HOSTS) == []


def test_large_private_networks_are_no_public_access() -> None:
    private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "203.0.112.0/20"]
    assert len(settings("prod", allowedCidrs=private).allowed_cidrs) == len(private)


def test_what_stays_closed_to_the_egress_proxy_is_private_space_without_the_exceptions() -> None:
    closed = settings("prod", egressPrivateCidrs=["10.1.2.3/32", "fc00::/7"]).egress_closed_cidrs
    addresses = [ip_address(text) for text in ("10.1.2.2", "10.1.2.3", "10.1.2.4", "192.168.0.1", "fd00::1")]
    assert [any(address in network for network in closed) for address in addresses] == [True, False, True, True, False]
    assert settings("prod").egress_closed_cidrs == sorted(PRIVATE, key=lambda n: (n.version, n))


def test_public_access_must_be_said_twice() -> None:
    halves = ["0.0.0.0/1", "128.0.0.0/1"]
    assert settings("prod", allowedCidrs=halves, allowPublicAccess=True).allow_public_access
    assert settings("prod", allowedCidrs=["0.0.0.0/0"], allowPublicAccess=True).allow_public_access


@pytest.mark.parametrize(
    ("addresses", "left"),
    [
        (["10.0.0.5", "10.0.0.6", "10.0.0.5"], 2),
        (["0.0.0.0", "0.0.0.0"], 0),
        (["0.0.0.0", "10.0.0.5"], 1),
        (["::", "0.0.0.0", "fd00::5"], 2),
        (["10.0.0.5", "fe80::1"], 1),
        (["ff02::1", "10.0.0.5"], 0),
    ],
)
def test_an_address_on_which_no_front_could_listen_is_the_item_to_remove(addresses: list[str], left: int) -> None:
    """The engine would end the front that serves, and then not start the new one."""
    message = refusal("prod", bindAddresses=addresses, allowHost=False)
    assert message.endswith(f"Fix: pulumi config rm --path 'bindAddresses[{left}]' --stack {pulumi.get_stack()}")
    del addresses[left]
    assert settings("prod", bindAddresses=addresses, allowHost=False).bind_addresses


def test_the_host_switch_is_refused_where_ipv6_callers_could_look_like_the_host() -> None:
    message = refusal("prod", bindAddresses=["0.0.0.0", "::"])
    assert message.startswith("allowHost: must be false while bindAddresses holds an IPv6 address")
    assert settings("prod", bindAddresses=["0.0.0.0", "::"], allowHost=False).allow_host is False
    assert settings("prod", bindAddresses=["::1"]).allow_host is True


@pytest.mark.parametrize(
    ("secrets", "changes", "reason"),
    [
        ({"masterKey": STRONG, "previousMasterKey": STRONG}, {}, "previousMasterKey: equals masterKey"),
        (
            {},
            {"keyRotation": "2026-11-01", "previousKeyRotation": "2026-11-01"},
            "previousKeyRotation: equals keyRotation",
        ),
        (
            {"previousMasterKey": OTHER},
            {"previousKeyRotation": "2026-11-01"},
            "previousKeyRotation: and previousMasterKey",
        ),
        ({}, {"previousKeyRotation": "initial"}, "keyRotation: must be set too"),
        ({"claudeOauthToken": "x", "anthropicApiKey": "y"}, {}, "anthropicApiKey: and claudeOauthToken are both set"),
    ],
)
def test_contradictions_are_refused(secrets: dict[str, str], changes: dict[str, str], reason: str) -> None:
    if any(name.startswith("previous") for name in (*secrets, *changes)):
        changes = {**changes, "previousKeyExpires": EXPIRES}
    assert refusal("prod", secrets, **changes).startswith(reason)


@pytest.mark.parametrize(
    ("secrets", "mode"),
    [
        ({}, ClaudeAuth.LOGIN),
        ({"claudeOauthToken": "sk-ant-oat01-x"}, ClaudeAuth.TOKEN),
        ({"anthropicApiKey": "sk-ant-api03-x"}, ClaudeAuth.API_KEY),
    ],
)
def test_the_claude_credential_is_chosen_by_one_setting(secrets: dict[str, str], mode: ClaudeAuth) -> None:
    assert settings("prod", secrets).claude_auth is mode


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, "https://localhost"),
        ({"port": "8443"}, "https://localhost:8443"),
        ({"hostname": "::1"}, "https://[::1]"),
        ({"tls": "off", "bindAddresses": ["127.0.0.1"], "port": "80"}, "http://localhost"),
    ],
)
def test_the_url_is_the_one_to_type(changes: dict[str, Any], url: str) -> None:
    assert settings("prod", **changes).url == url


@pytest.mark.parametrize(
    ("name", "credential", "reason"),
    [
        ("claudeOauthToken", "sk-ant-oat01-aaaaaaaa\nbbbbbbbb", "has a blank, a line break or a non-ASCII character"),
        ("claudeOauthToken", "sk-ant-oat01-aaaa bbbb", "has a blank, a line break or a non-ASCII character"),
        ("claudeOauthToken", " ", "is blank"),
        (
            "anthropicApiKey",
            "sk-ant-api03-\u00e4\u00e4",
            "has a blank, a line break or a non-ASCII character",
        ),
        ("claudeOauthToken", '"sk-ant-oat01-aaaa"', "has quotes or a variable's name around it"),
        ("claudeOauthToken", "CLAUDE_CODE_OAUTH_TOKEN=sk-ant-oat01-aaaa", "has quotes or a variable's name around it"),
        ("claudeOauthToken", "sk-ant-api03-aaaa", "holds what belongs into anthropicApiKey"),
        ("anthropicApiKey", "sk-ant-oat01-aaaa", "holds what belongs into claudeOauthToken"),
        ("anthropicApiKey", "sk-ant-ort01-aaaa", "is a refresh token"),
    ],
)
def test_a_credential_that_cannot_work_is_refused_without_being_quoted(name: str, credential: str, reason: str) -> None:
    message = refusal("prod", {name: credential})
    assert message.startswith(f"{name}: {reason}")
    assert f"pulumi config set --secret {name}" in message
    assert credential.strip('" ') == "" or credential.strip('" ') not in message


def test_the_fix_of_a_list_is_about_the_item_that_is_wrong() -> None:
    message = refusal("prod", egressAllow=["api.anthropic.com", "com"])
    assert "Fix: pulumi config set --path 'egressAllow[1]' api.anthropic.com --stack" in message
    assert "pulumi config set --path 'egressAllow[0]' api.anthropic.com" in refusal("prod", egressAllow={"a": "b"})
