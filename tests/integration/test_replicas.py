"""A stack of two LiteLLM containers, from the settings to HTTP."""

import contextlib
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from testbed.deployment import Deployment, deployment, docker
from testbed.hosts import Internet
from testbed.operations import Operations

PORT, METRICS_PORT = 14784, 14785
FEW = 6
ASKED = {"model": "haiku", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
SLOW = {**ASKED, "stream": True, "messages": [{"role": "user", "content": "FAKE:slow:0.05"}]}


@dataclass
class Bed:
    stack: Deployment
    operations: Operations
    keys: dict[str, str]

    def ask(self, client: str, body: Any = ASKED) -> int:
        return self.stack.call("/v1/messages", key=self.keys[client], body=body).status

    def metrics(self, replica: str) -> str:
        key = self.stack.output("metrics_key")
        request = urllib.request.Request(
            f"http://127.0.0.1:{METRICS_PORT}/metrics/{replica}", headers={"authorization": f"Bearer {key}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())

    def answered(self) -> list[int]:
        """How many requests of clients each replica has answered."""
        return [docker("logs", name).count('"client": "many"') for name in sorted(self.stack.there("litellm"))]


@pytest.fixture(scope="module")
def bed(net: Internet) -> Iterator[Bed]:
    with deployment(
        "dev",
        port=PORT,
        metricsPort=METRICS_PORT,
        replicas=2,
        drainSeconds=20,
        litellmMemoryMib=1024,
        **{
            "clients.few.requestsPerMinute": FEW,
            "clients.one.maxParallel": 1,
            "clients.many.requestsPerMinute": 100_000,
        },
        **net.settings,
    ) as stack:
        stack.set_secret("anthropicApiKey", "sk-ant-of-the-tests")
        stack.up()
        yield Bed(stack, Operations(stack), stack.output("client_keys"))


@contextlib.contextmanager
def asked_all_the_while(bed: Bed) -> Iterator[list[int]]:
    """Two clients that try nothing twice, for as long as the body takes; yields what they were answered."""
    statuses: list[int] = []
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(0.05):
            try:
                statuses.append(bed.ask("many"))
            except OSError:
                statuses.append(0)

    threads = [threading.Thread(target=go_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def verified(bed: Bed, *options: str, status: int = 0) -> str:
    command = (sys.executable, "-m", "posture", "--stack", bed.stack.name, *options)
    return bed.operations.finish(bed.operations.start(*command), status)


def test_both_serve_and_another_update_changes_nothing(bed: Bed) -> None:
    assert len(bed.stack.there("litellm")) == 2
    assert bed.stack.changes() == {}
    assert [bed.ask("many") for _ in range(40)] == [200] * 40
    assert min(bed.answered()) > 0


def test_a_clients_limit_holds_for_both_together(bed: Bed) -> None:
    assert sorted(bed.ask("few") for _ in range(3 * FEW)) == [200] * FEW + [429] * 2 * FEW
    with ThreadPoolExecutor() as pool:
        statuses = sorted(pool.map(lambda _: bed.ask("one", SLOW), range(2)))
    assert statuses == [200, 429], "one at a time, whichever of them is asked"
    assert bed.ask("one") == 200, "the place is given back"


def test_it_is_as_secure_as_one(bed: Bed) -> None:
    assert "SECURE" not in verified(bed).partition("NOT ")[2]


def test_each_has_metrics_of_its_own(bed: Bed) -> None:
    assert [bed.ask("many") for _ in range(4)] == [200] * 4
    counted = [
        sum(
            float(line.rpartition(" ")[2])
            for line in bed.metrics(f"litellm-{number}").splitlines()
            if line.startswith('litellm_claude_requests_total{client="many"')
        )
        for number in (1, 2)
    ]
    assert sum(counted) == sum(bed.answered()) >= 4
    assert "litellm_claude_limits_shared 1.0" in bed.metrics("litellm-2")


def test_no_request_fails_when_one_is_killed_and_make_up_brings_it_back(bed: Bed) -> None:
    second = bed.stack.container("litellm-2")
    with asked_all_the_while(bed) as statuses:
        time.sleep(1)
        docker("rm", "--force", second)
        time.sleep(3)
        said = bed.operations.up()
    assert len(statuses) > 50
    assert set(statuses) == {200}
    assert f"{second} is gone from the engine: it is made anew" in said
    assert len(bed.stack.there("litellm")) == 2
    assert bed.stack.changes() == {}


def test_a_lost_valkey_lets_nobody_in_or_out_and_is_said(bed: Bed) -> None:
    valkey, replicas = bed.stack.container("valkey"), sorted(bed.stack.there("litellm"))
    docker("stop", "--time", "1", valkey)
    assert [bed.ask("many") for _ in range(10)] == [200] * 10
    until(lambda: all("limits hold for each replica alone" in docker("logs", name) for name in replicas))
    assert "litellm_claude_limits_shared 0.0" in bed.metrics("litellm-1")
    assert "Valkey cannot be reached" in verified(bed, "--only", "clients.limits-shared")
    counted = [bed.ask("few") for _ in range(4 * FEW)].count(200)
    assert FEW <= counted <= 2 * FEW, "each replica has the limit for itself"
    docker("start", valkey)
    until(lambda: all("limits hold for all of them together" in docker("logs", name) for name in replicas))
    assert "litellm_claude_limits_shared 1.0" in bed.metrics("litellm-1")


def test_an_update_of_both_loses_nothing(bed: Bed) -> None:
    before = set(bed.stack.there("litellm"))
    bed.stack.set(logLevel="WARNING")
    with asked_all_the_while(bed) as statuses:
        bed.operations.up()
    assert len(statuses) > 50
    assert set(statuses) == {200}
    assert not before & set(bed.stack.there("litellm"))
    assert len(bed.stack.there("litellm")) == 2
