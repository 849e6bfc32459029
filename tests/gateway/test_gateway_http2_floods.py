"""Floods of HTTP/2 end with their connection, and other clients do not notice."""

import contextlib
import ssl
import struct
from collections.abc import Callable

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest

from testbed import gateway as bed
from tests.gateway.certificates import Pair
from tests.gateway.clients import KEY, read_answer, request_bytes, tls
from tests.gateway.conftest import Caller, GatewayFactory

STREAMS = 1000 + 50  # that one HTTP/2 connection may open


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
