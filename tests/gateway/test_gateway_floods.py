"""Floods end at the gateway: each is bounded and counted, and other clients do not notice (S4)."""

import contextlib
import ssl
import struct
import time
from collections.abc import Callable
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest

from testbed import gateway as bed
from tests.gateway.certificates import Pair
from tests.gateway.clients import KEY, read_answer, request_bytes, tls
from tests.gateway.conftest import Caller, GatewayFactory

REFUSED = 100  # in ten seconds, by source: then a refused request costs its connection
STREAMS = 1000 + 50  # that one HTTP/2 connection may open


@pytest.fixture(scope="module")
def gateway(make_gateway: GatewayFactory, litellm: str) -> bed.Gateway:
    return make_gateway()


def test_a_flood_without_a_key_loses_its_connections_and_a_neighbour_behind_the_address_is_served(
    gateway: bed.Gateway, caller: Callable[[bed.Gateway], Caller]
) -> None:
    client = caller(gateway)
    statuses = [client.call(key=None).status for _ in range(REFUSED + 50)]
    assert statuses == [401] * REFUSED + [0] * 50
    assert client.call().status == 200
    assert caller(gateway).call(key=None).status == 401


def test_a_flood_of_wrong_keys_needs_a_connection_for_each(
    gateway: bed.Gateway, caller: Callable[[bed.Gateway], Caller]
) -> None:
    """So that the limit of new connections holds for it; how many wrong keys there may be, the front door says."""
    client = caller(gateway)
    wrong = request_bytes(key="sk-wrong")
    with client.clients.connect(client.source, client.port) as kept:
        for _ in range(REFUSED):
            kept.sendall(wrong)
            assert read_answer(kept).headers.get("connection") != "close"
    for _ in range(3):
        with client.clients.connect(client.source, client.port) as kept:
            kept.sendall(wrong)
            answer = read_answer(kept)
            assert (answer.status, answer.headers["connection"]) == (401, "close")
    with client.clients.connect(client.source, client.port) as kept:
        for _ in range(3):
            kept.sendall(request_bytes())
            assert read_answer(kept).status == 200


def test_new_connections_of_a_source_have_a_limit(
    make_gateway: GatewayFactory, litellm: str, caller: Callable[[bed.Gateway], Caller]
) -> None:
    gateway = make_gateway(max_connections_per_source="10")  # 700 in ten seconds
    client, other = caller(gateway), caller(gateway)
    began = time.monotonic()
    served = early = 0
    while early < 10 and served < 5000:  # until it is refused, however slow this machine is
        try:
            status = client.call(target="/healthz").status
        except ConnectionError:
            status = 0
        served += status == 200
        if not status and served >= 700:
            break
        if not status:  # ten that have ended are not closed yet
            early += 1
            time.sleep(0.2)
    assert 700 <= served < 700 + 70 * (time.monotonic() - began)
    assert other.call().status == 200


@pytest.fixture(scope="module")
def tls_gateway(make_gateway: GatewayFactory, litellm: str, certificate: Pair) -> bed.Gateway:
    return make_gateway(tls="on", tls_certificate=certificate.certificate, tls_private_key=certificate.key)


class Http2:
    """An HTTP/2 client that keeps to no rule but the framing."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self.socket = connection
        config = h2.config.H2Configuration(
            client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.state = h2.connection.H2Connection(config)
        self.state.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(self.state.data_to_send())

    def ended(self) -> bool:
        """Reads what there is; whether the gateway has ended the connection, or said that it will."""
        self.socket.settimeout(0.05)
        try:
            while data := self.socket.recv(65536):
                events = self.state.receive_data(data)
                if any(isinstance(event, h2.events.ConnectionTerminated) for event in events):
                    return True
        except TimeoutError:
            return False
        except (OSError, h2.exceptions.ProtocolError):
            pass
        return True


@pytest.fixture
def connect(
    tls_gateway: bed.Gateway, caller: Callable[[bed.Gateway], Caller], certificate: Pair
) -> Callable[[], Http2]:
    client = caller(tls_gateway)

    def connect() -> Http2:
        plain = client.clients.connect(client.source, client.port)
        return Http2(tls(plain, certificate.path, "gateway.test", ["h2"]))

    return connect


@pytest.fixture
def served(tls_gateway: bed.Gateway, caller: Callable[[bed.Gateway], Caller], certificate: Pair) -> Callable[[], bool]:
    """Whether another client is served, and the gateway is healthy."""
    other = caller(tls_gateway)

    def ask() -> bool:
        with tls(other.clients.connect(other.source, other.port), certificate.path, "gateway.test") as connection:
            connection.sendall(request_bytes())
            return read_answer(connection).status == 200 and bed.healthy(tls_gateway.name, "gateway-healthcheck")

    return ask


HEADERS = [
    *((":method", "GET"), (":path", "/v1/models"), (":scheme", "https"), (":authority", "gateway.test")),
    ("authorization", f"Bearer {KEY}"),
]


def opened_until_the_end(client: Http2, headers: list[tuple[str, str]], *, reset: bool, limit: int) -> int:
    """How many streams the gateway takes before it ends the connection."""
    for number in range(limit):
        stream = 2 * number + 1
        try:
            client.state.send_headers(stream, headers, end_stream=True)
            if reset:
                client.state.reset_stream(stream)
            client.flush()
        except (OSError, h2.exceptions.ProtocolError):
            return number
        if number % 20 == 19 and client.ended():
            return number + 1
    return limit


def test_rapid_reset_ends_with_its_connection(connect: Callable[[], Http2], served: Callable[[], bool]) -> None:
    """CVE-2023-44487: streams that are opened and reset at once."""
    opened = opened_until_the_end(connect(), HEADERS, reset=True, limit=3000)
    assert opened <= STREAMS + 20
    assert served()


def test_a_client_that_breaks_http2_again_and_again_is_cut_off(
    connect: Callable[[], Http2], served: Callable[[], bool]
) -> None:
    opened = opened_until_the_end(connect(), [*HEADERS, ("Upper-Case", "x")], reset=False, limit=400)
    assert opened <= 120
    assert served()


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def test_endless_continuation_frames_end_with_their_connection(
    connect: Callable[[], Http2], served: Callable[[], bool]
) -> None:
    client = connect()
    sent = 0
    with contextlib.suppress(OSError):
        client.socket.sendall(frame(1, 0, 1, b""))
        while sent < 1000 and not (sent % 50 == 49 and client.ended()):
            client.socket.settimeout(2)
            client.socket.sendall(frame(9, 0, 1, b"\0" + b"\x01x\x7f\x61" + b"y" * 200))
            sent += 1
    assert sent < 1000
    assert served()


def test_a_slow_body_never_reaches_litellm(
    gateway: bed.Gateway, caller: Callable[[bed.Gateway], Caller], received: Callable[[str], list[dict[str, Any]]]
) -> None:
    client = caller(gateway)
    head = "POST /v1/messages HTTP/1.1\r\nhost: gateway.test\r\nx-api-key: sk-good\r\nx-marker: slow-body\r\n"
    with client.clients.connect(client.source, client.port, 15) as connection:
        connection.sendall(head.encode() + b'content-length: 100\r\n\r\n{"model"')
        began = time.monotonic()
        answer = read_answer(connection)
    assert (answer.status, answer.json()["error"]["code"]) == (408, "request_timeout")
    assert 9 < time.monotonic() - began < 20
    assert received("slow-body") == []


def test_requests_that_break_off_leave_nothing_behind(
    make_gateway: GatewayFactory, litellm: str, caller: Callable[[bed.Gateway], Caller]
) -> None:
    gateway = make_gateway()
    client = caller(gateway)
    for _ in range(50):
        with client.clients.connect(client.source, client.port) as connection:
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nhost: gate")

    def open_ones() -> list[str]:
        table = bed.docker("exec", gateway.name, "cat", "/proc/net/tcp").splitlines()[1:]
        sockets = [line.split() for line in table]
        return [one[3] for one in sockets if one[1].endswith(f":{8080:04X}") and one[3] in ("01", "08")]

    bed.wait_until(lambda: not open_ones(), 5, "no connection is open, or half closed")


def test_dead_peers_are_found_on_both_sides(gateway: bed.Gateway, caller: Callable[[bed.Gateway], Caller]) -> None:
    """TCP keep-alive: each connection of the gateway's has its timer (`tr` 02 in /proc/net/tcp)."""
    client = caller(gateway)
    with client.clients.connect(client.source, client.port) as kept:
        kept.sendall(request_bytes())
        assert read_answer(kept).status == 200
        table = bed.docker("exec", gateway.name, "cat", "/proc/net/tcp").splitlines()[1:]
        connections = [line.split() for line in table if line.split()[3] == "01"]  # established
        backend = [line for line in connections if line[2].endswith(f":{4000:04X}")]
        clients = [line for line in connections if line[1].endswith(f":{8080:04X}")]
        assert backend
        assert clients
        for line in (*backend, *clients):
            assert line[5].startswith("02:"), line
