"""What holds for every configuration: it is accepted whole, or refused in sentences without a traceback or a value."""

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any

import pulumi
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from components.networks import local_subnet6
from rules.addresses import MAPPED, without
from rules.configuration import FIELDS, load
from rules.setting_types import TlsMode
from rules.settings import Settings
from tests.unit.components.conftest import PROJECT, configuration

NETWORKS = st.one_of(
    st.builds(lambda a, p: IPv4Network((a, p), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.builds(lambda a, p: IPv6Network((a, p), strict=False), st.integers(0, 2**128 - 1), st.integers(0, 128)),
)
ADDRESSES = st.one_of(
    st.builds(IPv4Address, st.integers(0, 2**32 - 1)), st.builds(IPv6Address, st.integers(0, 2**128 - 1))
)
PRODUCTION = {"environment": "production", "allowHost": False}


@given(st.lists(NETWORKS, max_size=5))
def test_an_allow_list_is_taken_as_given_and_never_holds_the_internet_unasked(networks: list[Any]) -> None:
    given_list = [str(network) for network in networks]
    try:
        accepted = Settings.model_validate({**PRODUCTION, "allowedCidrs": given_list})
    except ValidationError:
        wide = any(network.prefixlen < (8 if network.version == 4 else 16) for network in networks)
        assert wide or len(networks) > 1 or networks[0].overlaps(MAPPED)
    else:
        assert accepted.allowed_cidrs == networks
        for public, widest in (("1.0.0.0/8", 2**24), ("2000::/3", 2**112)):
            inside = [network for network in networks if network.overlaps(ip_network(public))]
            assert all(network.num_addresses <= widest for network in inside)


@given(st.lists(NETWORKS, max_size=4), st.lists(NETWORKS, max_size=4), ADDRESSES)
def test_networks_without_others_hold_just_the_addresses_of_the_first(
    networks: list[Any], holes: list[Any], address: Any
) -> None:
    def held(address: Any, networks: list[Any]) -> bool:
        return any(address in network for network in networks)

    left = without(networks, holes)
    edges = [edge for network in [*networks, *holes] for edge in (network[0], network[-1])]
    for one in (address, *edges):
        assert held(one, left) == (held(one, networks) and not held(one, holes))


@given(st.lists(ADDRESSES, min_size=1, max_size=5), st.sampled_from(["managed", "off"]), st.booleans())
def test_nothing_that_others_can_reach_speaks_plain_http_or_takes_the_development_key(
    addresses: list[Any], tls: str, production: bool
) -> None:
    environment = "production" if production else "development"
    given_list = [str(address) for address in addresses]
    try:
        accepted = Settings.model_validate({"environment": environment, "bindAddresses": given_list, "tls": tls})
    except ValidationError:
        return
    if not all(address.is_loopback for address in addresses):
        assert accepted.tls_mode is not TlsMode.OFF
        assert production


TEXTS = st.one_of(
    st.text(max_size=40), st.integers().map(str), st.lists(st.text(max_size=10), max_size=3).map(json.dumps)
)


@hypothesis_settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["dev", "prod"]),
    st.dictionaries(st.one_of(st.sampled_from(sorted(FIELDS)), st.text(min_size=1, max_size=12)), TEXTS, max_size=4),
    st.sets(st.sampled_from(sorted(FIELDS)), max_size=4),
)
def test_any_configuration_is_accepted_or_refused_in_sentences(
    stack: str, changes: dict[str, str], secret: set[str]
) -> None:
    pulumi.runtime.set_all_config(configuration(stack, changes), [f"{PROJECT}:{name}" for name in secret])
    said = ""
    try:
        load(pulumi.Config(PROJECT))
    except pulumi.RunError as refused:
        said = str(refused)
    for line in said.splitlines():
        assert ": " in line
        assert "Fix: " in line
        assert "pulumi config " in line
    assert [value for value in changes.values() if len(value) > 12 and value in said] == []


@given(st.text(min_size=1, max_size=60))
def test_an_edge_subnet_is_a_stable_unique_local_64(name: str) -> None:
    network = ip_network(local_subnet6(name))
    assert network.prefixlen == 64
    assert network.is_private
    assert local_subnet6(name) == str(network) or ip_network(local_subnet6(name)) == network
    assert yaml.safe_load(f"x: '{network}'")["x"] == str(network)
