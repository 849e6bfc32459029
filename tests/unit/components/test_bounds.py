"""Bounds of the settings: the last value that is taken, the first that is not, and where each comes from."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rules import certificates, clients, credentials, keys, upstream
from rules.clients import Client
from rules.sizes import ENVIRONMENT_BYTES
from tests.unit.components.test_certificates import NOW, pair
from tests.unit.components.test_numbers import accepted

BILLION = 1_000_000_000


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("redirectPort", 0, 65535),  # RFC 9293, section 3.1; 0 is closed
        ("metricsPort", 0, 65535),
        (
            "tlsValidityHours",
            2,
            398 * 24,
        ),  # an hour of it before its renewal; CA/Browser Forum, Baseline Requirements 6.3.2
        ("tlsRenewalHours", 1, None),
        ("keyMaxAgeDays", 1, None),
        ("maxConnectionsPerSource", 1, 1000),  # from here on docs/settings.md, and what the containers take
        ("failedAuthPerMinute", 1, 10_000),
        ("claudeWarmProcesses", 0, 64),
        ("claudeMaxConcurrency", 1, 256),
        ("usageDays", 0, 3650),
        ("litellmCpus", None, 1024),
        ("litellmMemoryMib", 512, None),
        ("drainSeconds", 1, 86400),  # a day
    ],
)
def test_a_setting_is_taken_up_to_its_bounds(name: str, lowest: int | None, highest: int | None) -> None:
    beside = {"claudeWarmProcesses": 0} if name == "claudeMaxConcurrency" else {"claudeMaxConcurrency": 64}
    others = {"port": 4000, "tls": "managed", **beside}
    others |= {"tlsRenewalHours": 1} if name == "tlsValidityHours" else {}
    for bound, step in ((lowest, -1), (highest, 1)):
        if bound is not None:
            assert accepted(**others, **{name: bound})
            assert not accepted(**others, **{name: bound + step})


@pytest.mark.parametrize(("count", "fits"), [(0, False), (1, True), (4, True), (5, False)])
def test_a_gateway_is_published_on_four_addresses_at_most(count: int, fits: bool) -> None:
    """images/front/haproxy.cfg listens on four ports of each kind, one for each address (rules/layout.py)."""
    assert accepted(bindAddresses=[f"127.0.0.{n + 1}" for n in range(count)]) is fits


@pytest.mark.parametrize(("length", "fits"), [(1, True), (100, True), (101, False)])
def test_a_stacks_name_has_100_characters_at_most(length: int, fits: bool) -> None:
    """Pulumi takes no longer one (`pulumi stack init`)."""
    assert accepted(name="s" * length) is fits


@pytest.mark.parametrize("name", ["requestsPerMinute", "tokensPerMinute", "maxParallel"])
@pytest.mark.parametrize(("limit", "fits"), [(0, False), (1, True), (BILLION, True), (BILLION + 1, False)])
def test_a_clients_limit_is_between_one_and_a_billion(name: str, limit: int, fits: bool) -> None:
    """docs/keys.md: what is not set has no limit; a billion a minute is more than Anthropic sells."""
    assert accepted(clients={"alice": {name: limit}}) is fits


@pytest.mark.parametrize(
    ("name", "fits"),
    [("a" * 32, True), ("a" * 33, False), ("a" + "-a" * 15, True), ("a" + "-a" * 16, False), ("a", True)],
)
def test_a_clients_name_has_32_characters_with_its_hyphens(name: str, fits: bool) -> None:
    assert accepted(clients={name: {}}) is fits


@pytest.mark.parametrize(("size", "fits"), [(ENVIRONMENT_BYTES, True), (ENVIRONMENT_BYTES + 1, False)])
def test_what_one_variable_of_the_environment_carries(size: int, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """execve(2): MAX_ARG_STRLEN is 32 pages, 131,072 bytes, with the name and the final zero; 8 KiB are left for it."""
    assert ENVIRONMENT_BYTES == 131_072 - 8 * 1024
    assert accepted(tlsCertificate="x" * size) is fits
    assert accepted(tlsCertificate="ä" * (size // 2) + "x" * (size % 2)) is fits  # bytes, not characters
    assert accepted(acmeDirectoryCa="x" * size) is fits
    assert accepted(acmeDnsVariables="x" * size) is fits
    host, model = "x" * 60 + ".org", "x" * 100  # as many as just fit, or one more: with a comma; with ": " and the like
    assert accepted(acmeDnsHosts=[host] * (size // (len(host) + 1) + (not fits))) is fits
    names = [f"m{number:099}" for number in range(size // (2 * len(model) + len('"": "", ')) + (not fits))]
    assert accepted(models=dict.fromkeys(names, model)) is fits
    monkeypatch.setattr(clients, "size", lambda _: size)
    assert accepted(clients={"alice": {}}) is fits


@pytest.mark.parametrize(("days", "fits"), [(0, True), (1, True), (2, False)])
@pytest.mark.parametrize("name", ["keyRotation", "securityUpdates"])
def test_a_generation_is_today_somewhere_on_earth(name: str, days: int, fits: bool) -> None:
    """UTC+14 (ISO 8601; the Line Islands) is a day ahead of UTC."""
    day = (datetime.now(UTC).date() + timedelta(days=days)).isoformat()
    assert accepted(**{name: day}) is fits


@pytest.mark.parametrize(("length", "fits"), [(256, True), (257, False)])
def test_a_key_is_at_most_256_characters(length: int, fits: bool) -> None:
    """images/gateway/haproxy.cfg lets no longer one through."""
    assert (keys.form_fault("sk-" + "x" * (length - 3)) is None) is fits


@pytest.mark.parametrize(
    ("character", "fits"), [("\x20", False), ("\x21", True), ("\x7e", True), ("\x7f", False), ("\x80", False)]
)
def test_a_key_has_visible_ascii_characters_alone(character: str, fits: bool) -> None:
    """RFC 5234: VCHAR is %x21-7E; RFC 9110, section 5.5: what a field's value is made of."""
    assert (keys.form_fault(f"sk-x{character}x") is None) is fits


@pytest.mark.parametrize(
    ("characters", "needed"),
    [("0123456789", 78), ("0123456789abcdef", 64), ("0123456789abcdefABCDEF", 64), ("0123456789xyz_-", 43)],
)
def test_how_many_characters_hold_32_bytes(characters: str, needed: int) -> None:
    """log2: 10 digits carry 3.32 bits each; RFC 4648: base 16 carries 4, base 64 carries 6."""
    text = characters * 10
    assert keys.capacity_bits(text[:needed]) >= 32 * 8 > keys.capacity_bits(text[: needed - 1])


def test_a_block_that_comes_twice_counts_once_from_eight_characters_on() -> None:
    body = base64.b85encode(bytes(range(7, 130, 3))).decode()[:40]
    assert keys.estimated_bits(body + body[:8]) == keys.estimated_bits(body)
    assert keys.estimated_bits(body + body[:7]) > keys.estimated_bits(body)
    assert keys.estimated_bits(body * 3) == keys.estimated_bits(body)


@pytest.mark.parametrize("before", range(32))
def test_a_block_that_comes_twice_is_seen_wherever_it_stands(before: int) -> None:
    other = base64.b85encode(bytes(range(7, 130, 3))).decode()
    block, rest = other[:12], other[12 : 12 + before]
    assert keys.estimated_bits(rest + block + block) == keys.estimated_bits(rest + block)


def test_the_estimate_is_shannons_entropy_times_the_length() -> None:
    """C. E. Shannon, 1948: n equally frequent symbols carry log2 n bits each; of steps there is one fewer."""
    assert keys.estimated_bits("abdc") == pytest.approx(4 * 1.584962500721156)  # steps +1 +2 -1: log2 3
    assert keys.estimated_bits("aaaa") == keys.estimated_bits("abcdefgh") == 0


def test_a_certificate_is_valid_from_its_first_second_and_expired_in_its_last() -> None:
    """RFC 5280, 4.1.2.5: from notBefore on; OpenSSL's X509_cmp_time: a notAfter that equals the time is past."""
    begin, end = (NOW + timedelta(days=days) for days in (-1, 1))
    chain, _ = pair("localhost", not_before=begin, not_after=end)
    begin, end = begin.replace(microsecond=0), end.replace(microsecond=0)
    second = timedelta(seconds=1)
    found = [certificates.time_fault(chain, at) for at in (begin - second, begin, end - second, end)]
    assert [fault and fault.split(" 2")[0] for fault in found] == ["is not valid before", None, None, "expired on"]
    assert certificates.time_fault("nonsense", NOW) is None
    old, _ = pair("localhost", not_before=begin - timedelta(days=9), not_after=begin)
    assert certificates.time_fault(chain + old, NOW) is None, "the first of a chain is the server's"


@pytest.mark.parametrize(
    ("name", "hostname", "fits"),
    [
        ("*.org", "example.org", False),
        ("*.example.org", "example.org", False),
        ("*.example.org", "a.example.org", True),
    ],
)
def test_a_wildcard_stands_for_one_label_below_two(name: str, hostname: str, fits: bool) -> None:
    """RFC 9525, 6.3; browsers take no wildcard for a top-level domain."""
    chain, key = pair(name)
    assert (certificates.pair_fault(chain, key, hostname=hostname, now=NOW) is None) is fits


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://llm.example.org", True),
        ("https://llm.example.org/", True),
        ("https://llm.example.org:8443", True),
        ("https://llm.example.org/v1", False),
        ("https://llm.example.org?key=1", False),
        ("https://me@llm.example.org", False),
        ("https:///", False),
        ("llm.example.org", False),
    ],
)
def test_an_upstream_is_a_host_by_https_alone(url: str, fits: bool) -> None:
    assert (upstream.fault(None, None, url, None) is None) is fits


@pytest.mark.parametrize("credential", ['"sk-ant-oat01-a', "sk-ant-oat01-a'", 'sk-ant-oat01-a"', "X=sk-ant-oat01-a"])
def test_a_credential_with_a_quote_at_either_end_is_refused(credential: str) -> None:
    assert "quotes or a variable's name" in str(credentials.fault("claudeOauthToken", credential))
    assert credentials.fault("claudeOauthToken", "sk-ant-oat01-a") is None


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({"redirectPort": 80, "metricsPort": 80}, False),
        ({"redirectPort": 80, "metricsPort": 443}, False),
        ({"redirectPort": 80, "metricsPort": 9464}, True),
        ({"redirectPort": 443}, False),
        ({"redirectPort": 80, "tls": "off"}, False),
        ({"metricsPort": 9464, "metricsAddress": "10.0.0.1"}, True),
        ({"metricsPort": 9464, "metricsAddress": "127.0.0.2"}, True),
        ({"metricsPort": 0, "metricsAddress": "10.0.0.1", "tls": "off"}, True),
        ({"metricsAddress": "fd00::1"}, False),
    ],
)
def test_each_port_is_one_things_alone(changes: dict[str, Any], fits: bool) -> None:
    assert accepted(**{"port": 443, "tls": "managed", **changes}) is fits


@pytest.mark.parametrize(
    ("expires", "previous", "ends"),
    [
        ("2026-12-31", "2026-12-31T23:59:59Z", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-12-31", "2027-01-01T00:00:01Z", datetime(2027, 1, 1, tzinfo=UTC)),
        (None, "2027-01-01T00:00:01Z", datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_a_previous_key_ends_with_whatever_ends_first(expires: str | None, previous: str, ends: datetime) -> None:
    rotated = {"keyRotation": "2026-11-24", "previousKeyRotation": "initial", "previousKeyExpires": previous}
    assert Client.model_validate({"expires": expires, **rotated}).generations()["initial"] == ends


def test_names_of_other_keys_in_the_log_are_no_clients() -> None:
    for name in ("master", "metrics"):
        assert not accepted(clients={name: {}})
