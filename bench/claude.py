"""`python -m bench.claude`: what the Claude path costs over a native upstream call, against a fake API without delay.

Three LiteLLM containers of the same image side by side: the native path (API key), one CLI process a request (cold),
and reused processes as a stack has them by default. They take turns, so that all see the same machine. Prints time to
first token, throughput and memory, and whether the promised figures hold (exit status 1 if not).
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING

from bench.claude_load import Load, client
from bench.promises import Promise, told
from testbed.container import container, fresh_bed, memory

if TYPE_CHECKING:
    from testbed.container import Gateway

ADDED_P50, ADDED_P95 = 0.060, 0.120  # seconds to the first token of a single request: what the project promises
TIMES_COLD = 4.0  # the throughput of 16 requests at a time
TOKEN = {"CLAUDE_AUTH": "token", "CLAUDE_CODE_OAUTH_TOKEN": "fake-token"}
KINDS = {
    "native": {"CLAUDE_AUTH": "api-key", "ANTHROPIC_API_KEY": "fake-api-key"},
    "cold": {**TOKEN, "CLAUDE_WARM_PROCESSES": "0", "CLAUDE_PROCESS_REUSE": "off", "CLAUDE_QUEUE_SECONDS": "60"},
    "reused": {**TOKEN, "CLAUDE_QUEUE_SECONDS": "60"},
}
ROUNDS = 4
AT_A_TIME = {1: 15, 4: 16, 16: 32}  # requests of one round
Loads = dict[tuple[int, str], Load]


async def measure(gateways: dict[str, Gateway]) -> Loads:
    """All loads on all kinds, in turns."""
    loads: Loads = {(at_a_time, kind): Load() for at_a_time in AT_A_TIME for kind in KINDS}
    async with AsyncExitStack() as stack:
        clients = {
            kind: await stack.enter_async_context(client(gateway.url, gateway.key))
            for kind, gateway in gateways.items()
        }
        for http in clients.values():
            await Load().run(http, 8, 4)
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS} ...", file=sys.stderr, flush=True)
            for at_a_time, count in AT_A_TIME.items():
                for kind, http in list(clients.items())[:: 1 if number % 2 else -1]:
                    await loads[at_a_time, kind].run(http, count, at_a_time)
                    await asyncio.sleep(0.5)
    return loads


def line(at_a_time: int, kind: str, load: Load) -> str:
    times = " ".join(f"{load.first(percent) * 1000:7.0f}" for percent in (50, 95, 99))
    return f"{at_a_time:9} {kind:7} {len(load.good):3}/{len(load.samples):<3} {times} {load.rate:9.1f}"


def verdicts(loads: Loads) -> list[Promise]:
    """Each promise, whether it holds, and the figures."""
    found = []
    for percent, limit in ((50, ADDED_P50), (95, ADDED_P95)):
        added = loads[1, "reused"].first(percent) - loads[1, "native"].first(percent)
        text = f"a single request: {added * 1000:.0f} ms more to the first token at p{percent}"
        found.append((added <= limit, f"{text} (limit {limit * 1000:.0f})"))
    times = loads[16, "reused"].rate / loads[16, "cold"].rate
    found.append((times >= TIMES_COLD, f"16 at a time: {times:.1f} times the throughput (at least {TIMES_COLD:g})"))
    for at_a_time in AT_A_TIME:
        reused, cold = (loads[at_a_time, kind].first(50) for kind in ("reused", "cold"))
        text = f"{at_a_time} at a time: first token {reused * 1000:.0f} ms at p50, cold {cold * 1000:.0f}"
        found.append((reused <= cold, text))
    bad = [line(*key, load) for key, load in loads.items() if len(load.good) < len(load.samples)]
    found.append((not bad, f"no request failed ({', '.join(bad) or 'none did'})"))
    return found


def main() -> int:
    with fresh_bed() as made, ExitStack() as stack:
        gateways = {kind: stack.enter_context(container(made, **KINDS[kind])) for kind in KINDS}
        idle = {kind: memory(gateway.container)[0] for kind, gateway in gateways.items()}
        loads = asyncio.run(measure(gateways))
        used = {kind: memory(gateway.container) for kind, gateway in gateways.items()}
    print("                             first token, ms")
    print("at a time kind    good        p50     p95     p99  requests/s")
    print("\n".join(line(*key, load) for key, load in loads.items()))
    for kind, (after, limit) in used.items():
        print(f"{kind:7} memory: idle {idle[kind]:.0f} MiB, after all loads {after:.0f} MiB of {limit:.0f}")
    return told(verdicts(loads))


if __name__ == "__main__":
    sys.exit(main())
