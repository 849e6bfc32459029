"""What the gateway itself costs: the same requests directly to LiteLLM and through HAProxy with TLS, in turns.

Native provider, fake API without delay, kept-alive connections: the least that LiteLLM does for a completion, so that
the gateway's share is as large as it gets.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from statistics import median
from typing import TYPE_CHECKING

import trustme

from bench.rotation_load import Connection, Load, Target
from tests.conformance.harness import ROOT, address, docker, start_litellm
from tests.gateway.bed import user_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDED_P50 = 0.002  # seconds
THROUGHPUT_LOSS = 0.05
ROUNDS, ALONE, TOGETHER, WORKERS = 16, 40, 200, 8


@contextlib.contextmanager
def gateway(net: str, authority: trustme.CA, more: dict[str, str] | None = None) -> Iterator[str]:
    """The front and the gateway, as the stack has them, before `net`; yields the front's address."""
    issued = authority.issue_cert("localhost")
    variables = {
        "GATEWAY_ALLOW_HOST": "true",
        "GATEWAY_TLS_CERTIFICATE": b"".join(blob.bytes() for blob in issued.cert_chain_pems).decode(),
        "GATEWAY_TLS_PRIVATE_KEY": issued.private_key_pem.bytes().decode(),
        **(more or {}),
    }
    names = {"edge": f"{net}-edge", "door": f"{net}-door", "front": f"{net}-front", "gateway": f"{net}-gateway"}
    docker("network", "create", names["edge"])
    docker(
        "network", "create", "--internal", names["door"]
    )  # else it may be the way to the host, and the edge's is none
    try:
        start("gateway", names["gateway"], (names["door"], net), variables)
        start("front", names["front"], (names["edge"], names["door"]), {})
        shown = f'{{{{(index .NetworkSettings.Networks "{names["edge"]}").IPAddress}}}}'
        yield docker("inspect", "--format", shown, names["front"])
    finally:
        docker("rm", "--force", names["front"], names["gateway"])
        docker("network", "rm", names["edge"], names["door"])


def start(role: str, name: str, networks: tuple[str, str], variables: dict[str, str]) -> None:
    """Starts HAProxy as `role`, under its aliases on the first of its networks."""
    image = f"litellm-claude-bench-{role}"
    docker("build", "--quiet", "--tag", image, str(ROOT / "images" / role))
    options = ["--read-only", "--cap-drop=ALL", f"--tmpfs=/run/{role}:{user_of(image)},mode=0700"]
    options += [f"--network-alias={role}", f"--network-alias={role}-door"]
    environment = [f"--env={key}={value}" for key, value in variables.items()]
    docker("create", "--name", name, "--network", networks[0], *options, *environment, image)
    docker("network", "connect", networks[1], name)
    docker("start", name)


async def ask(connection: Connection, target: Target, key: str, body: bytes) -> float:
    """Seconds that one request took. Raises RuntimeError when it was not answered with 200."""
    began = time.perf_counter()
    status, _, _ = await connection.ask(target, key, body)
    if status != 200:
        raise RuntimeError(f"{target.host}: status {status}")
    return time.perf_counter() - began


async def one_round(target: Target, key: str) -> tuple[list[float], float]:
    """Times of requests one after the other, and requests a second of several clients at a time."""
    load = Load(target, [key])
    body = load.body("hi", stream=False)
    connections = [await load.connect() for _ in range(WORKERS)]
    try:
        alone = [await ask(connections[0], target, key, body) for _ in range(ALONE)]
        left = iter(range(TOGETHER))
        began = time.perf_counter()
        await asyncio.gather(*(_work(connection, target, key, body, left) for connection in connections))
        return alone, TOGETHER / (time.perf_counter() - began)
    finally:
        for connection in connections:
            connection.close()


async def _work(connection: Connection, target: Target, key: str, body: bytes, left: Iterator[int]) -> None:
    for _ in left:
        await ask(connection, target, key, body)


async def measure(image: str, net: str) -> list[tuple[bool, str]]:
    """Each promise, whether it holds, and the figures; the two ways take turns, so that both see the same machine."""
    name, key, authority = f"{net}-overhead", f"sk-{secrets.token_hex(32)}", trustme.CA()
    native = {"CLAUDE_AUTH": "api-key", "ANTHROPIC_API_KEY": "fake-api-key", "LITELLM_MASTER_KEY": key}
    start_litellm(image, net, name, native, alias="litellm")
    try:
        with gateway(net, authority) as through:
            trusted = authority.cert_pem.bytes().decode()
            ways = {
                "direct": Target(address(name), 4000, "sonnet", "", 0, 0),
                "through": Target("localhost", 8443, "sonnet", trusted, 0, 0, through),
            }
            await asyncio.sleep(5)  # the gateway finds LiteLLM
            for target in ways.values():
                await one_round(target, key)
            times: dict[str, list[float]] = {way: [] for way in ways}
            rates: dict[str, list[float]] = {way: [] for way in ways}
            for number in range(ROUNDS):
                for way, target in list(ways.items())[:: 1 if number % 2 else -1]:
                    alone, rate = await one_round(target, key)
                    times[way] += alone
                    rates[way].append(rate)
    finally:
        docker("rm", "--force", "--volumes", name)
        docker("volume", "rm", "--force", name)
    added = median(times["through"]) - median(times["direct"])
    loss = 1 - median(rates["through"]) / median(rates["direct"])
    direct = f"{median(times['direct']) * 1000:.1f} ms and {median(rates['direct']):.0f} requests/s without"
    return [
        (added <= ADDED_P50, f"the gateway adds {added * 1000:.2f} ms at p50 (limit {ADDED_P50 * 1000:.0f}; {direct})"),
        (loss <= THROUGHPUT_LOSS, f"the gateway takes {loss:.1%} of throughput (limit {THROUGHPUT_LOSS:.0%})"),
    ]
