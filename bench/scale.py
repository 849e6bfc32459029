"""`python -m bench.scale`, or `make bench-scale`: the same load on one replica and on two, and one of the two killed.

Both stacks stand side by side in front of the same fake API, and are measured in turns, so that the machine's noise is
the same for both. LiteLLM is one process a container: more of them gain what the processors have left beside load, fake
API and gateway. Exits with 1 when a request failed, or when the gain is below what the machine's processors allow.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.rotation_load import Connection, Target
from testbed.container import memory
from testbed.deployment import Deployment, deployment, docker
from testbed.hosts import Internet, internet

PORTS = {1: 14777, 2: 14778}
AT_A_TIME, ROUNDS, SECONDS = 16, 5, 10.0
GAIN = 1.5
PROCESSORS = 4
"""With fewer, the load, the fake API and HAProxy take what a second replica would need: the gain is only shown."""
RESULT = Path("scale-benchmark.json")
ASKED = {"model": "sonnet", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}


@contextmanager
def stack_of(net: Internet, replicas: int) -> Iterator[Deployment]:
    """A development stack, whose keys and TLS cost the load nothing, with so many replicas."""
    with deployment(
        "dev",
        port=PORTS[replicas],
        replicas=replicas,
        maxConnectionsPerSource=1000,
        drainSeconds=20,
        litellmCpus=1,
        **{"clients.load.requestsPerMinute": 10_000_000},  # so that each request is counted, too
        **net.settings,
    ) as stack:
        stack.set_secret("anthropicApiKey", "sk-ant-of-the-benchmark")
        stack.up()
        yield stack


async def asked(stack: Deployment, port: int, seconds: float) -> list[tuple[float, int]]:
    """Asks for so long; seconds and status (0: no answer) of each request, of which none is tried twice."""
    key, body = stack.output("client_keys")["load"], json.dumps(ASKED).encode()
    target = Target("localhost", port, "sonnet", "", 0, 0)
    found: list[tuple[float, int]] = []
    ends = time.monotonic() + seconds

    async def work() -> None:
        connection: Connection | None = None
        while (began := time.monotonic()) < ends:
            try:
                connection = connection or Connection(*await asyncio.open_connection("127.0.0.1", port))
                status, _, kept = await asyncio.wait_for(connection.ask(target, key, body), 60)
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                status, kept = 0, False
            found.append((time.monotonic() - began, status))
            if connection and not kept:
                connection.writer.close()
                connection = None

    await asyncio.gather(*(work() for _ in range(AT_A_TIME)))
    return found


def load(stack: Deployment, replicas: int, seconds: float) -> list[tuple[float, int]]:
    """The same from outside of asyncio."""
    return asyncio.run(asked(stack, PORTS[replicas], seconds))


async def killed(stack: Deployment, seconds: float) -> list[tuple[float, int]]:
    """The load on two replicas, of which one is killed in the middle."""
    loading = asyncio.create_task(asked(stack, PORTS[2], seconds))
    await asyncio.sleep(seconds / 2)
    await asyncio.to_thread(docker, "kill", stack.container("litellm-2"))
    return await loading


def mebibytes(stack: Deployment, *roles: str) -> float:
    """What containers of these roles hold of memory."""
    names = [name for role in roles for name in stack.there(role)]
    return sum(memory(name)[0] for name in names)


def measured(net: Internet, rounds: int, seconds: float) -> dict[str, Any]:
    """All figures, by name."""
    with ExitStack() as standing:
        stacks, started = {}, {}
        for replicas in PORTS:
            began = time.monotonic()
            stacks[replicas] = standing.enter_context(stack_of(net, replicas))
            started[replicas] = time.monotonic() - began
            load(stacks[replicas], replicas, 3)  # its caches
        idle = {n: mebibytes(stack, "litellm", *(["valkey"] if n > 1 else [])) for n, stack in stacks.items()}
        rates: dict[int, list[float]] = {n: [] for n in stacks}
        times: dict[int, list[float]] = {n: [] for n in stacks}
        failed = 0
        for _ in range(rounds):
            for n, stack in stacks.items():
                found = load(stack, n, seconds)
                rates[n].append(sum(status == 200 for _, status in found) / seconds)
                times[n] += [taken for taken, status in found if status == 200]  # a failure may be fast
                failed += sum(status != 200 for _, status in found)
        lost = asyncio.run(killed(stacks[2], 2 * seconds))
    return {
        "requests_per_second": {n: statistics.median(found) for n, found in rates.items()},
        "p95_seconds": {n: statistics.quantiles(found, n=20)[-1] for n, found in times.items()},
        "idle_mib": idle,
        "up_seconds": started,
        "failed": failed,
        "killed": {"requests": len(lost), "failed": sum(status != 200 for _, status in lost)}
        | {"slowest_seconds": max(taken for taken, _ in lost)},
    }


def main() -> int:
    """Prints a table, writes the figures; returns 1 when a promise is missed."""
    parser = argparse.ArgumentParser(prog="make bench-scale", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, internet(Path(folder)) as net:
        found = measured(net, arguments.rounds, arguments.seconds)
    rate, cores = found["requests_per_second"], os.cpu_count() or 1
    gain = rate[2] / rate[1]
    lines = [f"{'':34}{'1 replica':>12}{'2 replicas':>12}"]
    for name, text, form in (
        ("requests_per_second", f"requests/s, {AT_A_TIME} at a time", "{:.0f}"),
        ("p95_seconds", "p95, s", "{:.3f}"),
        ("idle_mib", "memory at rest, with Valkey, MiB", "{:.0f}"),
        ("up_seconds", "first `up`, images built, s", "{:.0f}"),
    ):
        lines.append(f"{text:34}" + "".join(f"{form.format(found[name][n]):>12}" for n in PORTS))
    more = found["idle_mib"][2] - found["idle_mib"][1]
    lines += [
        f"gain {gain:.2f} on {cores} processors; one more replica costs {more:.0f} MiB",
        (
            f"one of two killed: {found['killed']['failed']} of {found['killed']['requests']} failed, slowest "
            f"{found['killed']['slowest_seconds']:.1f} s; {found['failed']} others failed"
        ),
    ]
    RESULT.write_text(json.dumps({**found, "processors": cores, "load_average": os.getloadavg()}, indent=1) + "\n")
    misses = [f"{found['killed']['failed']} requests failed by the kill"] if found["killed"]["failed"] else []
    misses += [f"{found['failed']} requests failed"] if found["failed"] else []
    misses += [f"gain {gain:.2f}, promised {GAIN}"] if cores >= PROCESSORS and gain < GAIN else []
    print("\n".join([*lines, *(f"MISSED {miss}" for miss in misses)]) + ("" if misses else "\nall promises hold"))
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
