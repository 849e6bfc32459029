"""What the test bed of a swarm says of a kernel, and where its hosts are."""

from ipaddress import ip_address, ip_network

import pytest

from testbed import swarm
from testbed.wires import MACHINE, Hub

DEBIAN = "CONFIG_VXLAN=m\nCONFIG_BRIDGE=m\nCONFIG_VETH=m\nCONFIG_INET_ESP=m\nCONFIG_CRYPTO_GCM=m\n"


def test_a_kernel_that_cannot_says_what_it_lacks() -> None:
    assert swarm.missing(DEBIAN, swarm.NEEDED) == []
    without = DEBIAN.replace("CONFIG_VXLAN=m", "# CONFIG_VXLAN is not set")
    assert swarm.missing(without, swarm.NEEDED) == ["networks between hosts (VXLAN)"]


@pytest.mark.parametrize("lacking", ["CONFIG_INET_ESP", "CONFIG_CRYPTO_GCM"])
def test_encryption_needs_esp_and_gcm(lacking: str) -> None:
    assert swarm.encrypts(DEBIAN)
    assert not swarm.encrypts(DEBIAN.replace(f"{lacking}=m", f"# {lacking} is not set"))


def test_a_kernel_that_shows_nothing_is_taken_to_encrypt() -> None:
    assert swarm.encrypts(None)


def test_hosts_of_one_network_differ_in_all_that_they_are_called() -> None:
    hub = Hub(7)
    hosts = [hub.place(place) for place in (1, swarm.REGISTRY, swarm.CLIENTS, MACHINE)]
    for of in ("name", "address", "address6", "device", "network", "network6"):
        assert len({getattr(host, of) for host in hosts}) == len(hosts)
    assert all(len(host.device) <= 15 for host in hosts), "what the kernel takes as an interface's name"
    assert all(ip_address(host.address) in ip_network("10.213.7.0/24") for host in hosts)
    assert {host.machine for host in hosts} == {hub.machine}
