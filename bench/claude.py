"""`python -m bench.claude`: what the Claude path costs over a native upstream call, against a fake API without delay.

Three LiteLLM containers of the same image in one run: the native provider (API key), one CLI process a request (cold),
and the warm pool. Prints time to first token and total, memory, and whether the promised figures hold (exit status 1
if not).
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bench import gateway_overhead
from bench.claude_load import Sample, Target, at_rate, concurrently, in_bursts, percentile
from tests.conformance.harness import address, build_image, docker, network, start_fake, start_litellm

POOL = 2
ADDED_P50, ADDED_P95, BURST_P95 = 0.100, 0.200, 0.300  # seconds: what the project promises
TOKEN = {"CLAUDE_AUTH": "token", "CLAUDE_CODE_OAUTH_TOKEN": "fake-token"}
KINDS = {
    "native": {"CLAUDE_AUTH": "api-key", "ANTHROPIC_API_KEY": "fake-api-key"},
    "cold": {**TOKEN, "CLAUDE_WARM_PROCESSES": "0"},
    "warm": {**TOKEN, "CLAUDE_WARM_PROCESSES": str(POOL)},
}
Load = Callable[[Target], Coroutine[Any, Any, list[Sample]]]
LOADS: dict[str, Load] = {
    "1 request/s": lambda target: at_rate(target, 30, 1.0),
    "4 concurrent": lambda target: concurrently(target, 32, 4),
    "16 concurrent": lambda target: concurrently(target, 48, 16),
    f"bursts of {POOL}": lambda target: in_bursts(target, POOL, 12, 2.0),
}


@dataclass(frozen=True)
class Row:
    """One load on one kind of gateway."""

    load: str
    kind: str
    samples: list[Sample]

    def first(self, percent: int) -> float:
        return percentile([sample.first for sample in self.samples if sample.good], percent)

    def total(self, percent: int) -> float:
        return percentile([sample.total for sample in self.samples if sample.good], percent)

    def line(self) -> str:
        good = sum(sample.good for sample in self.samples)
        refused = sum(sample.status == 429 for sample in self.samples)
        times = [f"{value * 1000:7.0f}" for value in (*map(self.first, (50, 95, 99)), *map(self.total, (50, 95, 99)))]
        return f"{self.load:14} {self.kind:7} {good:3}/{len(self.samples):<3} {refused:4} {' '.join(times)}"


def megabytes(container: str) -> float:
    """The container's memory without page cache, as `docker stats` counts it."""
    text = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container).split("/")[0].strip()
    units = {"GiB": 1024.0, "MiB": 1.0, "KiB": 1 / 1024, "B": 1 / 1024**2}
    unit = next(unit for unit in units if text.endswith(unit))
    return float(text.removesuffix(unit)) * units[unit]


async def peak_while(container: str, load: Coroutine[Any, Any, list[Sample]]) -> tuple[list[Sample], float]:
    """The samples of `load` and the highest memory seen while it ran, in MiB."""
    task = asyncio.create_task(load)
    peak = 0.0
    while not task.done():
        peak = max(peak, await asyncio.to_thread(megabytes, container))
    return task.result(), peak


async def measure(kind: str, image: str, net: str) -> tuple[list[Row], str]:
    """All loads on one kind of gateway, alone on the machine."""
    name, key = f"{net}-{kind}", f"sk-{secrets.token_hex(32)}"
    started = time.monotonic()
    start_litellm(image, net, name, {"LITELLM_MASTER_KEY": key, **KINDS[kind]})
    healthy = time.monotonic() - started
    try:
        target = Target(kind, f"http://{address(name)}:4000", key)
        await concurrently(target, 4, 1)  # the first requests import what LiteLLM loads lazily
        await asyncio.sleep(5)
        idle = megabytes(name)
        rows = []
        for load, run in LOADS.items():
            rows.append(Row(load, kind, await run(target)))
            await asyncio.sleep(3)
        _, peak = await peak_while(name, concurrently(target, 32, 8))
        return rows, f"{kind:7} healthy after {healthy:4.1f} s, idle {idle:5.0f} MiB, with 8 concurrent {peak:5.0f} MiB"
    finally:
        docker("rm", "--force", "--volumes", name)
        docker("volume", "rm", "--force", name)


def verdicts(rows: dict[tuple[str, str], Row]) -> list[tuple[bool, str]]:
    """Each promise, whether it holds, and the figures."""
    slow, burst = "1 request/s", f"bursts of {POOL}"
    found = []
    for percent, limit in ((50, ADDED_P50), (95, ADDED_P95)):
        added = rows[slow, "warm"].first(percent) - rows[slow, "native"].first(percent)
        text = f"warm adds {added * 1000:.0f} ms to the first token at p{percent} (limit {limit * 1000:.0f})"
        found.append((added <= limit, text))
    p95 = rows[burst, "warm"].first(95)
    found.append(
        (p95 < BURST_P95, f"a burst of {POOL}: first token {p95 * 1000:.0f} ms at p95 (limit {BURST_P95 * 1000:.0f})")
    )
    bad = [row for row in rows.values() if any(not sample.good and sample.status != 429 for sample in row.samples)]
    found.append((not bad, f"no request failed but by 429 ({', '.join(row.line() for row in bad) or 'none did'})"))
    return found


async def run() -> int:
    image = build_image()
    rows: dict[tuple[str, str], Row] = {}
    memory = []
    with network() as net:
        start_fake(image, net, f"{net}-fake")
        for kind in KINDS:
            print(f"measuring {kind} ...", file=sys.stderr, flush=True)
            measured, line = await measure(kind, image, net)
            rows |= {(row.load, row.kind): row for row in measured}
            memory.append(line)
            print("\n".join(row.line() for row in measured), line, sep="\n", file=sys.stderr, flush=True)
        print("measuring the gateway ...", file=sys.stderr, flush=True)
        overhead = await gateway_overhead.measure(image, net)
    print("milliseconds                            first token             total")
    print("load           kind    good    429     p50     p95     p99     p50     p95     p99")
    print("\n".join(rows[load, kind].line() for load in LOADS for kind in KINDS))
    print("\n".join(memory))
    judged = verdicts(rows) + overhead
    for holds, text in judged:
        print(f"{'holds' if holds else 'MISSED'}: {text}")
    print(
        json.dumps({"rows": {f"{load} {kind}": [row.first(50), row.first(95)] for (load, kind), row in rows.items()}})
    )
    return 0 if all(holds for holds, _ in judged) else 1


if __name__ == "__main__":
    raise SystemExit(asyncio.run(run()))
