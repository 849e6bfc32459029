"""Sizes, times and numbers at once: one source cannot exhaust the gateway."""

import socket
import threading
import time
from collections.abc import Callable

import pytest

from testbed import gateway as bed
from tests.gateway.clients import read_answer, request_bytes
from tests.gateway.conftest import Caller, GatewayFactory


@pytest.fixture(scope="module")
def small(make_gateway: GatewayFactory, litellm: str) -> bed.Gateway:
    return make_gateway(max_connections_per_source="20")


@pytest.fixture
def small_caller(small: bed.Gateway, caller: Callable[[bed.Gateway], Caller]) -> Caller:
    return caller(small)


@pytest.mark.parametrize(
    "headers",
    [{"x-large": "x" * 20000}, {f"x-{number}": "x" * 500 for number in range(40)}, {f"x-{n}": "y" for n in range(150)}],
)
def test_headers_that_are_too_large_or_too_many_are_refused(small_caller: Caller, headers: dict[str, str]) -> None:
    answer = small_caller.call(headers=headers)
    assert (answer.status, answer.json()["error"]["code"]) == (431, "headers_too_large")


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
    assert 9 < time.monotonic() - began < 20


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
        assert max(times) < 5
        # Who sends no whole request loses the connection in time, and another takes its place: so those open now count.
        assert 0 < sum(map(is_open, held)) <= 100
        assert len(held) < 2000
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


SIZE = 8 * 1024**2
CHUNKED = {"transfer-encoding": "chunked", "content-length": "2"}  # HAProxy goes by the first, whatever the second says


@pytest.mark.parametrize(
    "request_",
    [
        request_bytes("POST", "/v1/messages", body=b" " * SIZE),
        request_bytes("PUT", "/v1/messages", CHUNKED, body=b"") + b"%x\r\n" % SIZE + b" " * SIZE + b"\r\n0\r\n\r\n",
    ],
    ids=["with its length", "in chunks, with a length that is none"],
)
def test_bodies_of_one_source_have_a_pace_and_another_source_does_not_wait_for_them(
    request_: bytes, small: bed.Gateway, caller: Callable[[bed.Gateway], Caller]
) -> None:
    """4 MiB a second, all connections of the source together; the first second may use up what was not used before."""
    neighbour, busy = caller(small), caller(small)
    ends: list[tuple[int, float]] = []
    neighbour = caller(small)

    def send() -> None:
        with neighbour.clients.connect(busy.source, busy.port, 60) as connection:
            connection.sendall(request_)
            ends.append((read_answer(connection).status, time.monotonic()))

    threads = [threading.Thread(target=send) for _ in range(2)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    assert neighbour.call().status == 200
    assert not ends
    for thread in threads:
        thread.join()
    assert [status for status, _ in ends] == [200, 200]
    assert max(end for _, end in ends) - began > 2 * SIZE / (4 * 1024**2) - 1.5
