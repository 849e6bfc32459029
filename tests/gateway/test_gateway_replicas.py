"""Several replicas behind one gateway: the least busy one is asked, and one that dies takes no request with it."""

import hashlib
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from testbed import gateway as bed
from tests.gateway.clients import Answer
from tests.gateway.conftest import Caller, GatewayFactory

NETWORK, ONE, TWO = "gw-replicas", "gw-replica-1", "gw-replica-2"
SCRAPER = "sk-second"  # the stand-in for LiteLLM takes it too
BUFFER = 32 * 1024


def start_replica(name: str, image: str, *aliases: str, start_seconds: float = 0, replica: str = "") -> None:
    named = [part for alias in ("litellm", *aliases) for part in ("--network-alias", alias)]
    settings = {"NAME": name, "START_SECONDS": str(start_seconds), "REPLICA": replica}
    bed.start(name, image, [NETWORK], *named, *bed.environment(settings))


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    inhibit = ("--opt", "com.docker.network.bridge.inhibit_ipv4=true")
    bed.docker("network", "create", "--internal", *inhibit, NETWORK)
    yield NETWORK
    bed.docker("rm", "-f", ONE, TWO, check=False)
    bed.docker("network", "rm", NETWORK)


@pytest.fixture(scope="module")
def several(make_gateway: GatewayFactory, network: str) -> Iterator[bed.Gateway]:
    key = hashlib.sha256(SCRAPER.encode()).hexdigest()
    gateway = make_gateway(wait_for_backend=False, backend=network, replicas="2", metrics_key_sha256=key)
    yield gateway
    bed.remove_gateway(gateway.name)


@pytest.fixture
def call(several: bed.Gateway, backend_image: str, clients: bed.Clients) -> Caller:
    """The gateway with both replicas there, and known to it."""
    bed.docker("rm", "-f", ONE, TWO, check=False)
    start_replica(ONE, backend_image, "litellm-1")
    start_replica(TWO, backend_image, "litellm-2")
    found = Caller(clients, several.port, clients.new_address())
    bed.wait_until(lambda: {who(ask(found)) for _ in range(8)} == {ONE, TWO}, 20, "both replicas are found")
    time.sleep(2)  # servers of replicas that an earlier test had go from the list
    return found


def ask(call: Caller, behave: str = "", marker: str = "", body: bytes = b"{}") -> Answer:
    return call.call("POST", "/v1/messages", headers={"x-behave": behave, "x-marker": marker}, body=body)


def who(answer: Answer) -> str:
    return str(answer.json().get("backend", "")) if answer.status == 200 else ""


def arrived(marker: str, *names: str) -> int:
    """How often a request has reached these replicas, or any."""
    logs = [
        subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=False)
        for name in names or (ONE, TWO)
    ]
    lines = [json.loads(line) for log in logs for line in log.stdout.splitlines() if marker in line]
    return sum(line["event"] == "request" for line in lines)


def test_requests_that_last_are_spread_evenly(call: Caller) -> None:
    with ThreadPoolExecutor(12) as pool:
        asked: list[Future[Answer]] = []
        for _ in range(12):
            asked.append(pool.submit(ask, call, "slow=3"))
            time.sleep(0.05)
        spread = Counter(who(one.result()) for one in asked)
    assert spread.keys() == {ONE, TWO}
    assert abs(spread[ONE] - spread[TWO]) <= 2, spread


def test_no_request_fails_when_a_replica_is_killed(call: Caller) -> None:
    """Those that it had in hand go to the other one; those that come next find it gone."""
    with ThreadPoolExecutor(16) as pool:
        before = [pool.submit(ask, call, "slow=2", f"killed-{number}") for number in range(8)]
        time.sleep(1)
        bed.docker("kill", TWO)
        after = [pool.submit(ask, call) for _ in range(8)]
        answers = [one.result() for one in before + after]
    assert [answer.status for answer in answers] == [200] * 16
    assert {who(answer) for answer in answers} == {ONE}
    assert max(arrived(f"killed-{number}") for number in range(8)) == 2

    def at_once() -> bool:
        began = time.monotonic()
        return who(ask(call)) == ONE and time.monotonic() - began < 1

    bed.wait_until(at_once, 20, "the one that died is asked no more")


def test_the_one_request_of_a_replica_that_is_killed_is_not_sent_there_again(call: Caller) -> None:
    """Now that nothing is asked of it, it is the least busy one."""
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(ask, call, "slow=4", "uneven") for _ in range(3)]
        bed.wait_until(lambda: arrived("uneven") == 3, 3, "all three are in hand")
        less_busy = min(ONE, TWO, key=lambda name: arrived("uneven", name))
        bed.docker("kill", less_busy)
        answers = [one.result() for one in asked]
    assert [answer.status for answer in answers] == [200] * 3
    assert less_busy not in {who(answer) for answer in answers}


def test_what_ends_one_replica_may_end_the_next_ones_and_no_fourth(call: Caller) -> None:
    answer = ask(call, "drop", "dropped")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert arrived("dropped") == 3


def test_what_does_not_fit_into_a_buffer_is_not_sent_again(call: Caller) -> None:
    assert ask(call, "drop", "too-large", b"x" * BUFFER).status == 503
    assert arrived("too-large") == 1


def test_an_answer_that_has_begun_is_never_begun_again(call: Caller) -> None:
    with ThreadPoolExecutor(4) as pool:
        streams = [
            pool.submit(
                call.call, "POST", "/v1/messages", headers={"x-behave": "sse", "x-marker": f"begun-{n}"}, body=b"{}"
            )
            for n in range(4)
        ]
        time.sleep(0.5)
        bed.docker("kill", TWO)
        _ = [stream.exception() for stream in streams]
    assert [arrived(f"begun-{number}") for number in range(4)] == [1] * 4


def test_replicas_that_are_not_ready_yet_make_nobody_wait(call: Caller, backend_image: str) -> None:
    """An update starts new ones beside those that serve: they are in the DNS for seconds before they listen."""
    times = []
    try:
        start_replica("gw-replica-new", backend_image, "litellm-1", start_seconds=4)
        ends = time.monotonic() + 6
        while time.monotonic() < ends:
            began = time.monotonic()
            assert ask(call).status == 200
            times.append(time.monotonic() - began)
            time.sleep(0.01)  # new connections of one source have a limit of their own, 2,500 in ten seconds
    finally:
        bed.docker("rm", "-f", "gw-replica-new")
    # HAProxy waits a second before it tries the same server again; one such wait may be a busy machine's.
    assert sum(seconds > 0.9 for seconds in times) <= 1


def test_the_metrics_of_each_replica_are_read_by_its_name(
    call: Caller, several: bed.Gateway, clients: bed.Clients
) -> None:
    scraper = Caller(clients, several.metrics_port, clients.new_address())

    def read(path: str) -> Answer:
        return scraper.call(target=path, key=SCRAPER)

    bed.wait_until(lambda: read("/metrics/litellm-1").status == read("/metrics/litellm-2").status == 200, 15, "found")
    shown = [read(f"/metrics/litellm-{number}").json() for number in (1, 2, 1, 2)]
    assert [(one["backend"], one["line"]) for one in shown] == [
        (ONE, "GET /metrics HTTP/1.1"),
        (TWO, "GET /metrics HTTP/1.1"),
    ] * 2
    assert read("/metrics/gateway").status == 200
    for path in ("/metrics", "/metrics/litellm-3", "/metrics/litellm", "/metrics/litellm-1/", "/"):
        answer = read(path)
        assert answer.status == 404
        assert b"/metrics/litellm-NUMBER of each replica" in answer.body
    assert scraper.call(target="/metrics/litellm-1", key="sk-good").status == 401
    bed.docker("kill", TWO)
    bed.wait_until(lambda: read("/metrics/litellm-2").status == 503, 15, "one that is down is down")


def test_replicas_that_have_one_name_are_told_apart_by_asking(
    make_gateway: GatewayFactory, network: str, backend_image: str, clients: bed.Clients
) -> None:
    """As in a Swarm, where the gateway is told the front's addresses besides."""
    key = hashlib.sha256(SCRAPER.encode()).hexdigest()
    shared = make_gateway(
        wait_for_backend=False,
        backend=network,
        replicas="2",
        metrics_key_sha256=key,
        replicas_have_names="false",
        front_cidrs="10.219.0.0/16",
    )
    bed.docker("rm", "-f", ONE, TWO, check=False)
    start_replica(ONE, backend_image, replica="1")
    start_replica(TWO, backend_image, replica="2")
    scraper = Caller(clients, shared.metrics_port, clients.new_address())

    def shown() -> list[tuple[str, str | None]]:
        answers = [scraper.call(target=f"/metrics/litellm-{number}", key=SCRAPER) for number in (1, 2, 1, 2)]
        if any(answer.status != 200 for answer in answers):
            return []
        found = [answer.json() for answer in answers]
        return [(one["backend"], dict(one["headers"]).get("x-gateway-replica")) for one in found]

    try:
        bed.wait_until(lambda: shown() == [(ONE, "1"), (TWO, "2")] * 2, 25, "each answers for itself")
    finally:
        bed.remove_gateway(shared.name)
