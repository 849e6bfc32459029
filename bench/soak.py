"""`python -m bench.soak [--requests 2000]`: many requests through the warm pool; neither memory nor processes may grow.

Every tenth client leaves in the middle of its answer. Looks at the idle container after each tenth of the requests;
exit status 1 when a process is left behind, or memory has grown since the first look.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.claude import POOL, TOKEN, megabytes
from bench.claude_load import Target, one, request_bytes
from tests.conformance.harness import Gateway, address, build_image, docker, network, start_fake, start_litellm

WORKERS = 4
LEAVES_EACH = 10
SETTLE_SECONDS = 8
GROWTH = 1.10  # of memory, from the first look to the last: allocators settle late


@dataclass(frozen=True)
class Look:
    """The idle container after so many requests: CLI processes, zombies, the server's memory and all of it (MiB)."""

    requests: int
    processes: int
    zombies: int
    server: float
    container: float

    def line(self) -> str:
        return (
            f"{self.requests:6} requests: {self.processes} CLI processes, {self.zombies} zombies, "
            f"server {self.server:.0f} MiB, container {self.container:.0f} MiB"
        )


def look(gateway: Gateway, requests: int) -> Look:
    states = gateway.run("sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null || true").splitlines()
    resident = next(line for line in gateway.run("cat", "/proc/1/status").splitlines() if line.startswith("VmRSS"))
    zombies = sum(") Z " in line for line in states)
    return Look(
        requests, gateway.cli_processes(), zombies, int(resident.split()[1]) / 1024, megabytes(gateway.container)
    )


async def leave(target: Target) -> None:
    """Ask, and go away as soon as the answer begins."""
    where = urlsplit(target.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(request_bytes(target))
    await reader.read(100)
    writer.close()


async def work(target: Target, numbers: list[int], failed: list[int]) -> None:
    while numbers:
        number = numbers.pop()
        if number % LEAVES_EACH == 0:
            await leave(target)
        else:
            sample = await one(target)
            if not sample.good:
                failed.append(sample.status)


async def soak(gateway: Gateway, count: int) -> tuple[list[Look], list[int]]:
    target = Target("soak", gateway.url, gateway.key)
    looks: list[Look] = []
    failed: list[int] = []
    part = count // 10
    for done in range(part, count + 1, part):
        numbers = list(range(done - part, done))
        await asyncio.gather(*(work(target, numbers, failed) for _ in range(WORKERS)))
        await asyncio.sleep(SETTLE_SECONDS)
        looks.append(look(gateway, done))
        print(looks[-1].line(), flush=True)
    return looks, failed


def misses(looks: list[Look], failed: list[int]) -> list[str]:
    found = [f"{len(failed)} requests failed: {sorted(set(failed))}"] if failed else []
    found += [f"processes left behind: {one.line()}" for one in looks if one.processes > POOL or one.zombies]
    first, last = looks[0], looks[-1]
    if last.server > first.server * GROWTH:
        found.append(f"the server grew from {first.server:.0f} to {last.server:.0f} MiB")
    if last.container > first.container * GROWTH:
        found.append(f"the container grew from {first.container:.0f} to {last.container:.0f} MiB")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=2000)
    count = parser.parse_args().requests
    image, started = build_image(), time.monotonic()
    with network() as net:
        start_fake(image, net, f"{net}-fake")
        name, key = f"{net}-soak", f"sk-{secrets.token_hex(32)}"
        start_litellm(image, net, name, {"LITELLM_MASTER_KEY": key, **TOKEN, "CLAUDE_WARM_PROCESSES": str(POOL)})
        try:
            gateway = Gateway(f"http://{address(name)}:4000", key, "", name)
            looks, failed = asyncio.run(soak(gateway, count))
        finally:
            docker("rm", "--force", "--volumes", name)
            docker("volume", "rm", "--force", name)
    found = misses(looks, failed)
    print(f"{count} requests in {time.monotonic() - started:.0f} s")
    print("\n".join(f"MISSED {miss}" for miss in found) or "no growth, nothing left behind")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
