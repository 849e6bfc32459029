"""Sizes, times and rates: one source cannot exhaust the gateway, and guessing keys locks nobody out."""

import socket
import threading
import time
from collections.abc import Callable

import pytest

from tests.gateway import bed
from tests.gateway.clients import read_answer, request_bytes
from tests.gateway.conftest import Caller, GatewayFactory

LIMIT = 100_000


@pytest.fixture(scope="module")
def small(make_gateway: GatewayFactory, litellm: str) -> bed.Gateway:
    return make_gateway(max_request_bytes=str(LIMIT), max_connections_per_source="20")


@pytest.fixture
def small_caller(small: bed.Gateway, caller: Callable[[bed.Gateway], Caller]) -> Caller:
    return caller(small)


def chunked(size: int, chunk: int = 8000) -> bytes:
    pieces = [b"x" * min(chunk, size - at) for at in range(0, size, chunk)]
    return b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"


def chunked_request(size: int) -> bytes:
    head = (
        b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-good\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    return head + chunked(size)


def test_a_body_up_to_the_limit_passes(small_caller: Caller) -> None:
    for data in (request_bytes("POST", "/v1/messages", body=b"x" * LIMIT), chunked_request(LIMIT)):
        answer = small_caller.send(data)
        assert answer.status == 200
        assert answer.json()["body_bytes"] == LIMIT


def test_an_announced_body_over_the_limit_is_413(small_caller: Caller) -> None:
    answer = small_caller.call("POST", "/v1/messages", body=b"x" * (LIMIT + 1))
    assert answer.status == 413
    assert "larger" in answer.error
    # The announcement is enough: nothing of the body needs to arrive.
    head = (
        b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-good\r\ncontent-length: 999999999\r\n\r\n"
    )
    assert small_caller.send(head + b"x" * 20000).status == 413


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT + 20_000, 4 * LIMIT])
def test_a_chunked_body_over_the_limit_is_413(small_caller: Caller, size: int) -> None:
    answer = small_caller.send(chunked_request(size))
    assert answer.status == 413
    assert "larger" in answer.error


def test_no_part_of_a_body_over_the_limit_makes_a_request(
    small_caller: Caller, received: Callable[[str], list[dict[str, object]]]
) -> None:
    """The stand-in reports the last byte: what is cut off must not pass for a whole JSON document."""
    head = "POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-good\r\nx-marker: padded\r\n"
    padded = b"{}" + b" " * (LIMIT * 2)
    small_caller.send(head.encode() + b"transfer-encoding: chunked\r\n\r\n" + chunked(len(padded)).replace(b"x", b" "))
    whole = [report for report in received("padded") if report["event"] == "request"]
    assert all(report["last_byte"] == 0 for report in whole)
    assert len(received("padded")) > 0


@pytest.mark.parametrize(
    "headers",
    [{"x-large": "x" * 20000}, {f"x-{number}": "x" * 500 for number in range(40)}, {f"x-{n}": "" for n in range(150)}],
)
def test_headers_that_are_too_large_or_too_many_are_refused(small_caller: Caller, headers: dict[str, str]) -> None:
    assert small_caller.call(headers=headers).status in (400, 431)


def test_slow_headers_are_cut_off_after_10_seconds(small_caller: Caller) -> None:
    with small_caller.clients.connect(small_caller.source, small_caller.port, 15) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.1\r\n")
        stop = threading.Event()

        def drip() -> None:
            for number in range(150):
                if stop.wait(0.1):
                    return
                try:
                    connection.sendall(f"x-{number}: y\r\n".encode())
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        began = time.monotonic()
        thread.start()
        answer = read_answer(connection)
        stop.set()
        thread.join()
    assert answer.status in (0, 408)
    assert 9 < time.monotonic() - began < 12


def open_idle(client: Caller, count: int) -> list[socket.socket]:
    """As many connections as the gateway keeps open: a request's first line, never finished."""
    kept = []
    for _ in range(count):
        try:
            connection = client.clients.connect(client.source, client.port, 5)
            connection.sendall(b"GET /v1/models HTTP/1.1\r\n")
            kept.append(connection)
        except ConnectionError:
            pass
    time.sleep(0.3)
    return [connection for connection in kept if is_open(connection)]


def is_open(connection: socket.socket) -> bool:
    connection.settimeout(0.0)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def close_all(connections: list[socket.socket]) -> None:
    for connection in connections:
        connection.close()


def test_a_source_has_its_number_of_connections_and_others_have_theirs(
    small: bed.Gateway, small_caller: Caller, caller: Callable[[bed.Gateway], Caller]
) -> None:
    held = open_idle(small_caller, 40)
    try:
        assert len(held) == 20
        assert caller(small).call().status == 200
    finally:
        close_all(held)


def test_an_ipv6_source_is_a_64_bit_network(small: bed.Gateway, clients: bed.Clients) -> None:
    first = clients.new_address6()
    neighbour, stranger = clients.neighbour6(first), clients.new_address6()
    held = open_idle(Caller(clients, small.port, first), 20)
    try:
        assert len(held) == 20
        assert open_idle(Caller(clients, small.port, neighbour), 3) == []
        assert Caller(clients, small.port, stranger).call().status == 200
    finally:
        close_all(held)


def test_a_flood_of_2000_connections_from_one_source_does_not_starve_another(
    gateway: bed.Gateway, call: Caller, caller: Callable[[bed.Gateway], Caller]
) -> None:
    other = caller(gateway)
    held: list[socket.socket] = []
    times: list[float] = []

    def open_many() -> None:
        for _ in range(4):
            held.extend(open_idle(call, 500))

    flood = threading.Thread(target=open_many)
    flood.start()
    try:
        while flood.is_alive() or len(times) < 20:
            began = time.monotonic()
            assert other.call().status == 200
            times.append(time.monotonic() - began)
            time.sleep(0.02)
        assert max(times) < 1.0
        assert len(held) == 100
        assert bed.healthy(gateway.name, "gateway-healthcheck")
    finally:
        flood.join()
        close_all(held)


def test_requests_at_once_are_limited_too(small: bed.Gateway, caller: Callable[[bed.Gateway], Caller]) -> None:
    """HTTP/2 would otherwise multiply a source's connections by its streams; here each has one request in flight."""
    client = caller(small)
    slow = request_bytes(headers={"x-behave": "slow=1.5"})
    connections = [client.clients.connect(client.source, client.port) for _ in range(20)]
    for connection in connections:
        connection.sendall(slow)
    assert [read_answer(connection).status for connection in connections] == [200] * 20
    close_all(connections)
