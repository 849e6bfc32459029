"""Between gateway and LiteLLM: streams flow, a rolling replacement loses nothing, no request is sent twice."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from testbed import gateway as bed
from tests.gateway.clients import Answer, read_answer, request_bytes
from tests.gateway.conftest import Caller, GatewayFactory


def test_events_of_a_stream_arrive_as_they_are_sent(call: Caller) -> None:
    delays: list[float] = []
    with call.clients.connect(call.source, call.port) as connection:
        connection.sendall(request_bytes("POST", "/v1/messages", {"x-behave": "sse"}, b"{}"))
        data = b""
        while len(delays) < 5:
            data += connection.recv(65536)
            while b"\n\n" in data:
                event, _, data = data.partition(b"\n\n")
                delays.append(time.time() - json.loads(event.partition(b"data: ")[2])["sent"])
    assert max(delays) < 0.05, delays


def test_a_request_that_litellm_dropped_is_503_and_not_sent_again(
    call: Caller, received: Callable[[str], list[dict[str, Any]]]
) -> None:
    answer = call.call("POST", "/v1/messages", headers={"x-behave": "drop", "x-marker": "dropped-once"}, body=b"{}")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "LiteLLM ended" in answer.error
    assert "x-gateway-made" not in answer.headers
    assert len([report for report in received("dropped-once") if report["event"] == "request"]) == 1


def asked_on(connection: socket.socket, behave: str = "", marker: str = "") -> Answer:
    """The answer to one more request on a connection that is kept."""
    connection.sendall(request_bytes("POST", "/v1/messages", {"x-behave": behave, "x-marker": marker}, b"{}"))
    return read_answer(connection)


def test_no_two_clients_share_a_connection_to_litellm(call: Caller) -> None:
    """And one client's requests do: its own later ones are all that it could reach by smuggling."""
    with (
        call.clients.connect(call.source, call.port) as mine,
        call.clients.connect(call.source, call.port) as another,
    ):
        ports = [asked_on(client).json()["port"] for client in (mine, another, mine, another)]
    assert ports[0] == ports[2] != ports[1] == ports[3]
    assert call.call("POST", "/v1/messages", body=b"{}").json()["port"] not in ports


def test_what_litellm_dropped_on_a_kept_connection_is_not_sent_again(
    call: Caller, received: Callable[[str], list[dict[str, Any]]]
) -> None:
    with call.clients.connect(call.source, call.port) as kept:
        assert asked_on(kept).status == 200
        assert asked_on(kept, "drop", "dropped-later").status in (0, 503)
    assert len([report for report in received("dropped-later") if report["event"] == "request"]) == 1
    assert call.call().status == 200


@pytest.fixture
def own_network(make_gateway: GatewayFactory) -> Iterator[str]:
    bed.docker("network", "create", "--internal", "--opt", "com.docker.network.bridge.inhibit_ipv4=true", "gw-rolling")
    yield "gw-rolling"
    bed.docker("rm", "-f", "gw-old", "gw-new", check=False)
    bed.docker("network", "rm", "gw-rolling")


@pytest.fixture
def rolling(make_gateway: GatewayFactory, own_network: str) -> Iterator[bed.Gateway]:
    """A gateway whose `litellm` is nobody yet."""
    gateway = make_gateway(wait_for_backend=False, backend=own_network, allowed_cidrs=str(bed.CLIENTS4))
    yield gateway
    bed.remove_gateway(gateway.name)


def start_backend(name: str, image: str, network: str, start_seconds: float) -> None:
    settings = {"NAME": name, "START_SECONDS": str(start_seconds)}
    bed.start(name, image, [network], "--network-alias", "litellm", *bed.environment(settings))


def test_without_a_backend_the_answer_is_a_quick_503(
    rolling: bed.Gateway, caller: Callable[[bed.Gateway], Caller]
) -> None:
    client = caller(rolling)
    began = time.monotonic()
    answer = client.call()
    assert time.monotonic() - began < 5, "HAProxy's own times, of 10 seconds and more, were not waited for"
    assert answer.status == 503
    assert answer.headers["retry-after"] == "5"
    assert "not available" in answer.error
    assert client.call(target="/healthz", key=None).status == 503
    assert bed.healthy(rolling.name, "gateway-healthcheck")


def test_no_request_fails_while_litellm_is_replaced(
    rolling: bed.Gateway, own_network: str, backend_image: str, caller: Callable[[bed.Gateway], Caller]
) -> None:
    """Create, wait, delete the old one: as the stack does it.

    Short requests and 2-second ones run all the while, on new connections and on kept ones.
    """
    client = caller(rolling)
    start_backend("gw-old", backend_image, own_network, 0)
    bed.wait_until(lambda: client.call().status == 200, 15, "the first backend serves")
    time.sleep(2)  # its first checks: until then it counts as up because nothing says otherwise
    results: list[tuple[int, str]] = []
    stop = threading.Event()

    def load(behave: str) -> None:
        while not stop.is_set():
            note(client.call("POST", "/v1/messages", headers={"x-behave": behave}, body=b"{}"))

    def kept_load(behave: str) -> None:
        with client.clients.connect(client.source, client.port) as connection:
            while not stop.is_set():
                note(asked_on(connection, behave))

    def note(answer: Answer) -> None:
        results.append((answer.status, answer.json().get("backend", "") if answer.status == 200 else str(answer.body)))
        time.sleep(0.02)

    loads = [(load, "")] * 3 + [(load, "slow=2")] * 4 + [(kept_load, "")] * 3 + [(kept_load, "slow=2")] * 2
    threads = [threading.Thread(target=target, args=(behave,)) for target, behave in loads]
    for thread in threads:
        thread.start()
    time.sleep(1)
    # The new one is in the DNS for 3 s before it listens: the gateway must not count on it yet.
    start_backend("gw-new", backend_image, own_network, 3)
    bed.wait_until(lambda: "gw-new" in {name for _, name in results}, 15, "the new backend serves")
    bed.docker("stop", "--time", "30", "gw-old")
    bed.docker("rm", "gw-old")
    time.sleep(4)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(results) > 200
    assert [result for result in results if result[0] != 200] == []
    assert results[-1][1] == "gw-new"
