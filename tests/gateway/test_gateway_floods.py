"""Floods end at the gateway: each is bounded and counted, and other clients do not notice (S4)."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from testbed import gateway as bed
from tests.gateway.clients import read_answer, request_bytes
from tests.gateway.conftest import Caller, GatewayFactory

REFUSED = 100  # in ten seconds, by source: then a refused request costs its connection


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


def test_wrong_keys_count_and_fill_no_log_whatever_litellm_says_to_them(
    gateway: bed.Gateway, caller: Callable[[bed.Gateway], Caller]
) -> None:
    """It says 429 after a few in a minute. A client's own limits are a 429, too, and nothing of this."""
    limited = {"x-behave": "status=429"}
    client, allowed = caller(gateway), caller(gateway)
    closed = sent = 0
    with client.clients.connect(client.source, client.port) as kept:
        while not closed and sent < 5000:  # the slower this machine is, the more are allowed
            kept.sendall(request_bytes(key="sk-wrong", headers=limited))
            answer = read_answer(kept)
            assert answer.status == 429
            closed, sent = answer.headers.get("connection") == "close", sent + 1
    assert closed
    assert sent > REFUSED
    with allowed.clients.connect(allowed.source, allowed.port) as kept:
        for _ in range(2 * REFUSED):
            kept.sendall(request_bytes(headers=limited))
            answer = read_answer(kept)
            assert (answer.status, answer.headers.get("connection")) == (429, None)
    for _ in range(20):
        assert client.call(key="sk-wrong", headers=limited).status == 429

    def told(source: str) -> int:
        return sum(line["source"] == source for line in gateway.log())

    bed.wait_until(lambda: told(allowed.source) > REFUSED, 10, "a client's own limits are told")
    assert REFUSED / 2 < told(client.source) < sent + 20


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
