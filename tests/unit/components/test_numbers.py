"""Numbers that are rules, each at its boundary and with its source."""

from ipaddress import ip_network
from typing import Any

import pytest

from components.networks import local_subnet6
from rules import addresses, certificates, keys, releases
from rules.layout import short
from rules.settings import Settings
from rules.sizes import MIB
from tests.unit.components.conftest import Deploy


def accepted(**settings: Any) -> bool:
    try:
        Settings.model_validate({"environment": "development", **settings})
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("release", [(1, 82, 7), (1, 82, 8)])
def test_the_releases_with_malicious_code_are_refused_as_such(release: tuple[int, ...]) -> None:
    """LiteLLM's advisory on PyPI's compromised 1.82.7 and 1.82.8."""
    assert "malicious" in str(releases.version_fault(release))
    assert release in releases.DENIED
    assert len(releases.DENIED) == 2


def test_the_first_release_with_all_fixes_is_the_oldest_that_runs() -> None:
    """LiteLLM's published security advisories: fixed in 1.84.0."""
    assert releases.version_fault((1, 84, 0)) is None
    assert "known vulnerabilities" in str(releases.version_fault((1, 83, 999)))


@pytest.mark.parametrize(("length", "fits"), [(253, True), (254, False)])
def test_a_host_name_has_at_most_253_characters(length: int, fits: bool) -> None:
    """RFC 1035, section 2.3.4: 255 octets on the wire, two of which are the first length and the root."""
    labels = ".".join(["a" * 63] * 3)
    assert accepted(hostname=f"{labels}.{'b' * (length - len(labels) - 1)}") is fits


@pytest.mark.parametrize(("length", "fits"), [(63, True), (64, False)])
def test_a_label_of_a_host_name_has_at_most_63_characters(length: int, fits: bool) -> None:
    """RFC 1035, section 2.3.4."""
    assert accepted(hostname=f"{'a' * length}.example.org") is fits


@pytest.mark.parametrize(
    ("name", "fits"), [("7.example.org", True), ("a.7.org", True), ("example.7", False), ("7.example.256", False)]
)
def test_a_host_name_does_not_end_in_a_number(name: str, fits: bool) -> None:
    """RFC 1123, section 2.1: the highest label is alphabetic, so that no name looks like an address."""
    assert accepted(hostname=name) is fits


@pytest.mark.parametrize(("bits", "fits"), [(160.0, True), (159.9, False)])
def test_a_key_looks_like_160_random_bits_at_least(bits: float, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far above NIST SP 800-57's 112 bits, below what 32 random bytes ever show (tests/property/test_keys.py)."""
    monkeypatch.setattr(keys, "estimated_bits", lambda _: bits)
    assert (keys.strength_fault("sk-" + "0123456789abcdef" * 4) is None) is fits


@pytest.mark.parametrize(("digits", "fits"), [(64, True), (63, False)])
def test_a_key_has_room_for_32_random_bytes(digits: int, fits: bool) -> None:
    """The page "Security Best Practices", "Use strong keys": at least 32 bytes of randomness."""
    body = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"[:digits]
    assert (keys.strength_fault(f"sk-{body}") is None) is fits


def test_a_certificates_key_has_112_bits_of_strength_at_least() -> None:
    """OpenSSL's security level 2, which Debian sets; NIST SP 800-57 part 1, table 2: RSA 2048, elliptic curves 224."""
    assert (certificates.MINIMUM_RSA_BITS, certificates.MINIMUM_EC_BITS) == (2048, 224)


@pytest.mark.parametrize("mebibytes", [1, 32, 256])
def test_a_mebibyte_of_a_request_is_1024_times_1024_bytes(deploy: Deploy, mebibytes: int) -> None:
    """IEC 80000-13; the gateway and LiteLLM's container count bytes."""
    assert MIB == 1 << 20
    graph = deploy("prod", maxRequestMib=mebibytes, litellmMemoryMib=8192)
    limits = graph.env("gateway").get("GATEWAY_MAX_REQUEST_BYTES"), graph.env("litellm").get("MAX_REQUEST_BYTES")
    assert {limit for limit in limits if limit is not None} == {str(mebibytes << 20)}


@pytest.mark.parametrize(("mebibytes", "fits"), [(0, False), (1, True), (256, True), (257, False)])
def test_a_request_is_at_most_256_mebibytes(mebibytes: int, fits: bool) -> None:
    """Eight times Anthropic's own limit of 32 MB for /v1/messages, so that a larger one of theirs still fits."""
    assert accepted(maxRequestMib=mebibytes) is fits


@pytest.mark.parametrize(("port", "fits"), [(0, False), (1, True), (65535, True), (65536, False)])
def test_a_port_has_16_bits_and_is_not_0(port: int, fits: bool) -> None:
    """RFC 9293, section 3.1; 0 is reserved (RFC 6335, section 6)."""
    assert accepted(port=port) is fits


def test_a_stacks_own_ipv6_network_is_a_unique_local_64() -> None:
    """RFC 4193, section 3.1: fd00::/8, 40 bits of global ID, 16 of subnet; RFC 4291, section 2.5.4: 64 of interface."""
    network = ip_network(local_subnet6("litellm-claude-prod-edge"))
    assert network.prefixlen == 64
    assert network.subnet_of(ip_network("fd00::/8"))  # type: ignore[arg-type]
    assert network != ip_network(local_subnet6("litellm-claude-dev-edge"))
    assert str(network) == "fd1a:4f20:94f1:98ba::/64", "an update to a later version keeps its networks"


@pytest.mark.parametrize("before", ["", "sha256:", "registry.example.org:5000/litellm@sha256:"])
def test_an_id_is_shown_with_as_many_digits_as_docker_shows(before: str) -> None:
    """Docker's reference, "docker container ls": the ids are truncated to 12 digits."""
    assert short(before + "0123456789abcdef" * 4) == "0123456789ab"


@pytest.mark.parametrize(
    ("network", "fits"),
    [("8.0.0.0/8", True), ("8.0.0.0/7", False), ("2600::/16", True), ("2600::/15", False), ("::/16", False)],
)
def test_an_allow_list_holds_what_one_organisation_may_have(network: str, fits: bool) -> None:
    """IANA's IPv4 registry gives whole /8s to organisations; no registry gives an IPv6 block larger than a /16.

    The one with ::ffff:0:0/96 in it holds all of IPv4: HAProxy looks an IPv4 client up among IPv6 networks as such.
    """
    assert (addresses.public_fault([ip_network(network)]) is None) is fits
