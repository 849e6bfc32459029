"""`python -m bench.gateway_overhead`: the same requests directly to LiteLLM and through front and gateway, in turns.

API key, fake API without delay, kept-alive connections, TLS to the gateway: the least that LiteLLM does for a request,
so that the gateway's share is as large as it gets. The load is wrk's, because a generator in Python takes a processor
for itself.

What the gateway takes of LiteLLM's throughput shows only where it does not take LiteLLM's processors: so LiteLLM is
kept to a part of one, and the others have the rest. Beside it stands, without a promise, what is left when all of them
want the same few processors.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import trustme

from bench.promises import Promise, told
from testbed.container import CREDENTIALS, Bed, container, docker, fresh_bed
from testbed.front_and_gateway import gateway

ADDED_P50 = 0.002  # seconds
THROUGHPUT_LOSS = 0.05
ROUNDS, SECONDS, WORKERS = 6, 3, 8
LITELLM_CPUS = 0.25
"""Little enough for two processors: at what LiteLLM serves with it, HAProxy, load and fake API have what they need."""
PATHS = ("/v1/messages", "/v1/chat/completions")
SCRIPT = str(Path(__file__).with_name("wrk.lua"))


def load(url: str, key: str, connections: int) -> tuple[float, float]:
    """Wrk's median in seconds, and requests a second. Raises RuntimeError when a request failed."""
    body = json.dumps({"model": "sonnet", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]})
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", SCRIPT]
    env = {"PATH": os.environ["PATH"], "BENCH_KEY": key, "BENCH_BODY": body}
    printed = subprocess.run([*command, url], env=env, capture_output=True, text=True, check=True).stdout
    found = json.loads(printed.splitlines()[-1])
    if found["failed"] or not found["requests"]:
        raise RuntimeError(f"{url}: {found['failed']} of {found['requests']} requests failed")
    return found["p50"] / 1e6, found["requests"] / found["microseconds"] * 1e6


def check() -> None:
    """Exits with a sentence if the load generator is not here: before anything is measured, not after."""
    if shutil.which("wrk") is None:
        sys.exit("the load generator wrk is not here. Install it: apt-get install wrk")


def measure(made: Bed) -> list[Promise]:
    """Each promise, whether it holds, and the figures."""
    with (
        container(made, alias="litellm", **CREDENTIALS["API key"]) as litellm,
        gateway(made.network, trustme.CA()) as through,
    ):
        time.sleep(5)  # the gateway finds LiteLLM
        bases = {"direct": litellm.url, "through": f"https://{through}:8443"}
        shared = {path: turns(path, bases, litellm.key) for path in PATHS}
        docker("update", "--cpus", str(LITELLM_CPUS), litellm.container)
        apart = {path: turns(path, bases, litellm.key) for path in PATHS}
        return [found for path in PATHS for found in judge(path, shared[path], apart[path])]


@dataclass
class Turns:
    """Of each way the median of each round's median in seconds, one request at a time, and its requests a second."""

    times: dict[str, float]
    rates: dict[str, float]

    @property
    def added(self) -> float:
        """Seconds that a request takes longer through the gateway."""
        return self.times["through"] - self.times["direct"]

    @property
    def loss(self) -> float:
        """The share of requests a second that are fewer through the gateway."""
        return 1 - self.rates["through"] / self.rates["direct"]


def turns(path: str, bases: dict[str, str], key: str) -> Turns:
    """The two ways in turns, so that both see the same machine."""
    times: dict[str, list[float]] = {way: [] for way in bases}
    rates: dict[str, list[float]] = {way: [] for way in bases}
    for base in bases.values():
        load(base + path, key, WORKERS)
    for number in range(ROUNDS):
        for way, base in list(bases.items())[:: 1 if number % 2 else -1]:
            times[way].append(load(base + path, key, 1)[0])
            rates[way].append(load(base + path, key, WORKERS)[1])
    return Turns(*({way: median(found) for way, found in one.items()} for one in (times, rates)))


def judge(path: str, shared: Turns, apart: Turns) -> list[Promise]:
    """The promises for one route."""
    direct = f"{shared.times['direct'] * 1000:.1f} ms and {shared.rates['direct']:.0f} requests/s without"
    rates = " and ".join(f"{apart.rates[way]:.0f}" for way in ("direct", "through"))
    beside = f"{shared.loss:.1%} where they share {os.cpu_count()} processors"
    added = f"{path}: it adds {shared.added * 1000:.2f} ms at p50 (limit {ADDED_P50 * 1000:.0f}; {direct})"
    loss = f"{path}: it takes {apart.loss:.1%} of LiteLLM's throughput (limit {THROUGHPUT_LOSS:.0%}; {rates} requests/s"
    return [
        (shared.added <= ADDED_P50, added),
        (apart.loss <= THROUGHPUT_LOSS, f"{loss} on {LITELLM_CPUS:g} of a processor; {beside})"),
    ]


def main() -> int:
    """Returns 1 when a promise does not hold."""
    check()
    with fresh_bed() as made:
        return told(measure(made))


if __name__ == "__main__":
    sys.exit(main())
