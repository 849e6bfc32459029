"""`python -m bench.gateways`: the whole stack beside stock LiteLLM and Portkey's gateway, with one fake upstream.

Stock LiteLLM is its own proxy server of the very version that the image has; Portkey's gateway is the npm package. All
take turns, with 1, 8 and 64 requests at a time, on /v1/messages and on chat completions. Prints a table; exit status 1
when the stack serves fewer requests a second than stock LiteLLM anywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import httpx
import trustme

from bench.rotation_load import Connection, Load, Target
from testbed.container import CREDENTIALS, ROOT, address, container, fresh_bed
from testbed.front_and_gateway import gateway
from testbed.gateway import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOOLS = ROOT / ".toolchain" / "tools"
PORTKEY = TOOLS / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
MODEL = "claude-sonnet-5-5"
PATHS = ("/v1/messages", "/v1/chat/completions")
AT_A_TIME = {1: 30, 8: 120, 64: 192}  # requests of one round
ROUNDS = 6
START_SECONDS = 120
LEAST, GOAL = 1.0, 1.5  # times the requests a second of stock LiteLLM
STACK, ALONE, STOCK, OTHER = "stack", "container", "litellm", "portkey"


@dataclass(frozen=True)
class Way:
    """Where requests go, with which key, and what stands in their head besides."""

    target: Target
    key: str
    headers: str = ""

    def request(self, path: str) -> bytes:
        asked = {"model": self.target.model, "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
        body = json.dumps(asked).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {self.target.host}\r\nauthorization: Bearer {self.key}\r\n{self.headers}"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass
class Figures:
    """Of one gateway on one route at one load: seconds of each request, requests a second of each round."""

    times: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return median(self.rates)


Table = dict[tuple[str, int, str], Figures]


async def one_round(way: Way, path: str, at_a_time: int, count: int, figures: Figures) -> None:
    """So many requests on kept connections. Raises RuntimeError for an answer that is not 200."""
    load = Load(way.target, [way.key])
    connections = [await load.connect() for _ in range(at_a_time)]
    left, request = iter(range(count)), way.request(path)

    async def work(connection: Connection) -> None:
        for _ in left:
            began = time.perf_counter()
            status, content, _ = await connection.exchange(request)
            if status != 200:
                raise RuntimeError(f"{way.target.host}:{way.target.port}{path}: {status} {content[:200]!r}")
            figures.times.append(time.perf_counter() - began)

    began = time.perf_counter()
    try:
        await asyncio.gather(*(work(connection) for connection in connections))
        figures.rates.append(count / (time.perf_counter() - began))
    finally:
        for connection in connections:
            connection.close()


async def measure(ways: Mapping[str, Way]) -> Table:
    """All loads on all gateways, in turns."""
    table: Table = {(path, load, name): Figures() for path in PATHS for load in AT_A_TIME for name in ways}
    for name, way in ways.items():
        for path in PATHS:
            await one_round(way, path, 4, 20, Figures())
        print(f"{name} is warm", file=sys.stderr, flush=True)
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS} ...", file=sys.stderr, flush=True)
        for path in PATHS:
            for load, count in AT_A_TIME.items():
                for name in list(ways)[:: 1 if number % 2 else -1]:
                    await one_round(ways[name], path, load, count, table[path, load, name])
    return table


@contextlib.contextmanager
def process(command: list[str], url: str, **environment: str) -> Iterator[None]:
    """A server of this machine's own, ready when `url` answers at all."""
    with tempfile.TemporaryFile() as log:
        started = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **environment})
        try:
            end = time.monotonic() + START_SECONDS
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    httpx.get(url, timeout=5)
                    break
                if started.poll() is not None or time.monotonic() > end:
                    log.seek(0)
                    raise RuntimeError(f"{command[0]} does not start:\n{log.read()[-2000:].decode()}")
                time.sleep(0.3)
            yield
        finally:
            started.terminate()
            started.wait()


@contextlib.contextmanager
def stock(fake_url: str) -> Iterator[Way]:
    """LiteLLM's own proxy server, with one worker, as LiteLLM's container has it."""
    key, port = f"sk-{secrets.token_hex(16)}", free_port()
    parameters = {"model": f"anthropic/{MODEL}", "api_key": "fake", "api_base": fake_url}
    config = {
        "model_list": [{"model_name": "sonnet", "litellm_params": parameters}],
        "general_settings": {"master_key": key},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(json.dumps(config))  # JSON is YAML
        command = [str(TOOLS / "gateways" / "bin" / "litellm"), "--config", str(path), "--port", str(port)]
        command += ["--host", "127.0.0.1", "--num_workers", "1", "--telemetry", "False"]
        with process(command, f"http://127.0.0.1:{port}/health/liveliness", LITELLM_LOG="ERROR"):
            yield Way(Target("127.0.0.1", port, "sonnet", "", 0, 0), key)


@contextlib.contextmanager
def portkey(fake_url: str, fake_host: str) -> Iterator[Way]:
    """Portkey's gateway, which has no key of its own and is told its upstream with each request."""
    port = free_port()
    command = ["node", str(PORTKEY), f"--port={port}", "--headless"]
    headers = f"x-portkey-provider: anthropic\r\nx-portkey-custom-host: {fake_url}/v1\r\n"
    with process(command, f"http://127.0.0.1:{port}/", TRUSTED_CUSTOM_HOSTS=fake_host, NODE_ENV="production"):
        yield Way(Target("127.0.0.1", port, MODEL, "", 0, 0), "fake", headers)


@contextlib.contextmanager
def gateways() -> Iterator[dict[str, Way]]:
    """All of them, up, with one fake upstream."""
    authority = trustme.CA()
    with contextlib.ExitStack() as up:
        made = up.enter_context(fresh_bed())
        litellm = up.enter_context(container(made, alias="litellm", **CREDENTIALS["API key"]))
        through = up.enter_context(gateway(made.network, authority))
        trusted = authority.cert_pem.bytes().decode()
        time.sleep(5)  # the gateway finds LiteLLM
        yield {
            STACK: Way(Target("localhost", 8443, "sonnet", trusted, 0, 0, through), litellm.key),
            ALONE: Way(Target(address(litellm.container), 4000, "sonnet", "", 0, 0), litellm.key),
            STOCK: up.enter_context(stock(made.fake_url)),
            OTHER: up.enter_context(portkey(made.fake_url, str(httpx.URL(made.fake_url).host))),
        }


def shown(table: Table) -> list[str]:
    """The table as lines."""
    lines = [f"{'':22}{'':>10}" + "".join(f"{name:>24}" for name in (STACK, ALONE, STOCK, OTHER))]
    for path in PATHS:
        for load in AT_A_TIME:
            cells = [table[path, load, name] for name in (STACK, ALONE, STOCK, OTHER)]
            figures = "".join(f"{f'{one.rate:.0f}/s, p50 {median(one.times) * 1000:.1f} ms':>24}" for one in cells)
            lines.append(f"{path:22}{f'{load} at once':>10}{figures}")
    return lines


def main() -> int:
    """Returns 1 when stock LiteLLM serves more anywhere."""
    with gateways() as ways:
        table = asyncio.run(measure(ways))
    print("\n".join(shown(table)))
    worst = min(table[path, load, STACK].rate / table[path, load, STOCK].rate for path in PATHS for load in AT_A_TIME)
    word = "holds " if worst >= LEAST else "BROKEN"
    print(
        f"{word}  the stack serves at least {worst:.2f} times as much as stock LiteLLM (limit {LEAST:g}, goal {GOAL:g})"
    )
    return 0 if worst >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
