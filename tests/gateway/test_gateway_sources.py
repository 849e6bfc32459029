"""Who may connect: decided on the TCP connection, from the client's real address, IPv4 and IPv6 alike."""

import contextlib
import hashlib
import socket
from collections.abc import Iterator

import pytest

from testbed import gateway as bed
from tests.gateway.certificates import Pair
from tests.gateway.clients import exchange, request_bytes
from tests.gateway.conftest import GatewayFactory

HEALTH = request_bytes("GET", "/healthz", key=None)


def status_from(clients: bed.Clients, source: str, gateway: bed.Gateway) -> int:
    """The HTTP status that a source gets; 0 when the connection is refused or reset before an answer."""
    try:
        return exchange(clients.connect(source, gateway.port, 3), HEALTH).status
    except ConnectionError:
        return 0


def status_from_host(address: str, port: int, source: str = "") -> int:
    try:
        return exchange(socket.create_connection((address, port), 3, (source, 0) if source else None), HEALTH).status
    except ConnectionError:
        return 0


@pytest.mark.parametrize("family", ["4", "6"])
def test_a_listed_address_is_served_and_its_neighbour_is_refused(
    clients: bed.Clients, make_gateway: GatewayFactory, litellm: str, family: str
) -> None:
    new = clients.new_address if family == "4" else clients.new_address6
    listed, other = new(), new()
    gateway = make_gateway(allowed_cidrs=f"{listed}/{32 if family == '4' else 128}")
    assert status_from(clients, listed, gateway) == 200
    assert status_from(clients, other, gateway) == 0
    # The gateway sees, and logs, the client's own address and not the bridge's.
    bed.wait_until(gateway.log, 5, "the request is in the log")  # it gets there after the answer
    assert [line["source"] for line in gateway.log()] == [listed]


def test_without_a_list_nobody_is_served(clients: bed.Clients, make_gateway: GatewayFactory, litellm: str) -> None:
    gateway = make_gateway(allowed_cidrs="")
    assert status_from(clients, clients.new_address(), gateway) == 0
    assert status_from(clients, clients.new_address6(), gateway) == 0
    assert status_from_host("127.0.0.1", gateway.port) == 0
    assert status_from_host("::1", gateway.port) == 0
    assert gateway.log() == []


def test_refusal_comes_before_tls(
    clients: bed.Clients, make_gateway: GatewayFactory, litellm: str, certificate: Pair
) -> None:
    gateway = make_gateway(
        tls="on", allowed_cidrs="", tls_certificate=certificate.certificate, tls_private_key=certificate.key
    )
    try:
        with clients.connect(clients.new_address(), gateway.port, 3) as connection:
            # Not one byte is sent: the gateway ends the connection without waiting for a ClientHello.
            assert connection.recv(1) == b""
    except ConnectionError:
        pass


@pytest.mark.parametrize("port", ["port", "redirect_port", "metrics_port"])
def test_who_is_refused_and_does_not_hang_up_takes_nobodys_place(
    clients: bed.Clients, make_gateway: GatewayFactory, litellm: str, certificate: Pair, port: str
) -> None:
    """The front has 4,000 places for everybody, and a stranger opens as many connections in a second."""
    tls = {"tls": "on", "tls_certificate": certificate.certificate, "tls_private_key": certificate.key}
    digest = hashlib.sha256(b"sk-metrics").hexdigest()
    gateway = make_gateway(allowed_cidrs="", redirect="true", metrics_key_sha256=digest, **tls)
    stranger = clients.new_address()
    with contextlib.ExitStack() as kept:
        for _ in range(50):
            connection = kept.enter_context(clients.connect(stranger, getattr(gateway, port), 3))
            with contextlib.suppress(ConnectionError):
                assert connection.recv(1) == b""

        def held() -> list[str]:
            table = bed.docker("exec", gateway.front, "cat", "/proc/net/tcp").splitlines()[1:]
            return [line for line in table if line.split()[3] == "08"]  # the gateway has ended it, the front has not

        bed.wait_until(lambda: not held(), 5, "the front holds no connection that the gateway has ended")


@pytest.mark.parametrize("loopback", ["127.0.0.1", "::1"])
def test_the_host_is_served_by_its_own_switch_alone(make_gateway: GatewayFactory, litellm: str, loopback: str) -> None:
    everything = "0.0.0.0/0,::/0"
    listed = f"{bed.EDGE4},{bed.EDGE6}"
    assert status_from_host(loopback, make_gateway(allow_host="true", allowed_cidrs="").port) == 200
    assert status_from_host(loopback, make_gateway(allow_host="false", allowed_cidrs=everything).port) == 0
    assert status_from_host(loopback, make_gateway(allow_host="false", allowed_cidrs=listed).port) == 0


def test_addresses_that_are_named_as_the_hosts_follow_the_switch(make_gateway: GatewayFactory, litellm: str) -> None:
    """Through one of its LAN addresses the host arrives with that address, which only the settings can tell."""
    cidrs = f"{bed.CLIENTS4},{bed.CLIENTS6}"
    unnamed = make_gateway(allow_host="false", allowed_cidrs=cidrs)
    assert status_from_host(bed.HOST4, unnamed.port) == 200
    named = make_gateway(allow_host="false", allowed_cidrs=cidrs, host_addresses=f"{bed.HOST4},{bed.HOST6}")
    assert status_from_host(bed.HOST4, named.port) == 0
    assert status_from_host(bed.HOST6, named.port, bed.HOST6) == 0
    allowed = make_gateway(allow_host="true", allowed_cidrs="", host_addresses=f"{bed.HOST4},{bed.HOST6}")
    assert status_from_host(bed.HOST4, allowed.port) == 200


@pytest.fixture
def neighbour(backend_image: str, networks: tuple[str, str]) -> Iterator[str]:
    bed.start("gw-neighbour", backend_image, [networks[0]])
    yield "gw-neighbour"
    bed.docker("rm", "-f", "gw-neighbour")


FETCH = """
import socket, sys
try:
    connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
    connection.sendall(b"GET /healthz HTTP/1.0\\r\\n\\r\\n")
    print(connection.recv(100).split()[1].decode())
except (OSError, IndexError):
    print(0)
"""


def fetch_in(container: str, address: str, port: int) -> int:
    return int(bed.docker("exec", container, "python3", "-c", FETCH, address, str(port)))


def test_other_containers_on_the_edge_network_are_always_refused(
    make_gateway: GatewayFactory, litellm: str, neighbour: str
) -> None:
    gateway = make_gateway(allow_host="true", allowed_cidrs="0.0.0.0/0,::/0")
    assert status_from_host("127.0.0.1", gateway.port) == 200
    for v6 in (False, True):
        assert fetch_in(neighbour, bed.address_of(gateway.front, "gw-edge", v6=v6), 8080) == 0


def test_containers_of_other_networks_come_as_the_host(
    make_gateway: GatewayFactory, litellm: str, backend_image: str
) -> None:
    """A private range in the list must not admit every local container: through a host address they are `the host`."""
    bed.start("gw-stranger", backend_image, ["bridge"])
    try:
        strangers = bed.docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}")
        refused = make_gateway(allow_host="false", allowed_cidrs=f"10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,{strangers}")
        allowed = make_gateway(allow_host="true", allowed_cidrs="")
        assert fetch_in("gw-stranger", bed.HOST4, refused.port) == 0
        assert fetch_in("gw-stranger", bed.HOST4, allowed.port) == 200
    finally:
        bed.docker("rm", "-f", "gw-stranger")


def test_litellm_and_the_backend_network_cannot_call_the_gateway(make_gateway: GatewayFactory, litellm: str) -> None:
    gateway = make_gateway(allow_host="true", allowed_cidrs="10.0.0.0/8")
    assert fetch_in(litellm, bed.address_of(gateway.name, "gw-back"), 8080) == 0


def test_6to4_addresses_do_not_pass_as_the_ipv4_address_inside_them(
    clients: bed.Clients, make_gateway: GatewayFactory, litellm: str
) -> None:
    inside = "2002:ada:1::1"  # 10.218.0.1 ... as 6to4: 2002:0ada:0001::
    bed.run("ip", "-n", clients.name, "addr", "add", f"{inside}/128", "dev", "eth0", "nodad")
    bed.run("ip", "route", "replace", f"{inside}/128", "dev", "gw-host")
    gateway = make_gateway(allowed_cidrs="10.218.0.0/16")
    assert status_from(clients, clients.new_address(), gateway) == 200
    assert status_from(clients, inside, gateway) == 0


FORGE = """
import socket, sys
try:
    connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
    connection.sendall(b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\\r\\nGET /healthz HTTP/1.0\\r\\n\\r\\n")
    print(connection.recv(100).split()[1].decode())
except (OSError, IndexError):
    print(0)
"""


@pytest.mark.parametrize("place", ["the edge network", "the backend network"])
def test_nobody_but_the_front_says_who_the_client_is(
    make_gateway: GatewayFactory, litellm: str, neighbour: str, place: str
) -> None:
    gateway = make_gateway(allow_host="true", allowed_cidrs="127.0.0.0/8")
    assert status_from_host("127.0.0.1", gateway.port) == 200
    who, where = {
        "the edge network": (neighbour, bed.address_of(gateway.front, "gw-edge")),
        "the backend network": (litellm, bed.address_of(gateway.name, "gw-back")),
    }[place]
    for port in ("8080", "8405"):
        assert int(bed.docker("exec", who, "python3", "-c", FORGE, where, port)) == 0


def test_a_client_that_says_itself_who_it_is_stays_who_it_is(
    clients: bed.Clients, make_gateway: GatewayFactory, litellm: str
) -> None:
    gateway = make_gateway(allow_host="true", allowed_cidrs="")
    try:
        with clients.connect(clients.new_address(), gateway.port, 3) as connection:
            connection.sendall(b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + HEALTH)
            assert connection.recv(1) == b""
    except ConnectionError:
        pass


@pytest.mark.parametrize("role", ["front", "gateway"])
def test_there_is_no_way_out(clients: bed.Clients, gateway: bed.Gateway, role: str) -> None:
    """The edge network does not masquerade: a machine that does not know its private range cannot answer."""
    source = clients.new_address()
    with clients.entered():
        listener = socket.create_server((source, 8099))
    with listener:
        script = f"exec 3<>/dev/tcp/{source}/8099 && echo connected"
        name = gateway.front if role == "front" else gateway.name
        attempt = bed.docker("exec", name, "timeout", "2", "bash", "-c", script, check=False)
        assert "connected" not in attempt


def test_the_entry_points_find_their_networks_in_both_families(gateway: bed.Gateway) -> None:
    def lines(container: str, name: str) -> list[str]:
        return bed.docker("exec", container, "cat", f"/run/{name}.lst").splitlines()

    door = bed.docker("network", "inspect", f"{gateway.name}-door", "--format", "{{(index .IPAM.Config 0).Subnet}}")
    assert lines(gateway.front, "front/host4") == ["10.217.1.1"]
    assert lines(gateway.front, "front/host6") == ["fd17:0001:0000:0000:0000:0000:0000:0001"]
    assert sorted(lines(gateway.front, "front/neighbours"))[:2] == [bed.EDGE4, door]
    assert "fd17:0001:0000:0000:0000:0000:0000:0000/64" in lines(gateway.front, "front/neighbours")
    assert lines(gateway.name, "gateway/front") == [door]
