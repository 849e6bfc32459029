"""`python -m bench.soak [--requests 2000]`: many requests through reused processes; nothing may grow.

Every tenth client leaves in the middle of its answer. Looks at the idle container after each tenth of the requests;
exit status 1 when a process or a file is left behind, or memory has grown since the first look.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.claude import TOKEN
from bench.claude_load import client, leave, one
from testbed.container import Gateway, container, fresh_bed, memory

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESSES = 4
LEAVES_EACH = 10
SETTLE_SECONDS = 8
GROWTH = 1.10  # of memory, from the first look to the last: allocators settle late
LOGIN = "/home/app/.claude"


@dataclass(frozen=True)
class Look:
    """The idle container after so many requests: processes, files, and MiB of the server and of all."""

    requests: int
    processes: int
    zombies: int
    login_files: int
    other_files: int
    server: float
    container: float

    def __str__(self) -> str:
        return (
            f"{self.requests:6} requests: {self.processes} CLI processes, {self.zombies} zombies, {self.login_files} "
            f"files with the login, {self.other_files} elsewhere, "
            f"server {self.server:.0f} MiB, all {self.container:.0f} MiB"
        )


def look(gateway: Gateway, requests: int) -> Look:
    states = gateway.run("sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null || true").splitlines()
    resident = next(line for line in gateway.run("cat", "/proc/1/status").splitlines() if line.startswith("VmRSS"))
    return Look(
        requests,
        gateway.cli_processes(),
        sum(") Z " in line for line in states),
        len(gateway.run("find", LOGIN).splitlines()),
        len(gateway.run("find", "/tmp", "/run").splitlines()),
        int(resident.split()[1]) / 1024,
        memory(gateway.container)[0],
    )


async def soak(gateway: Gateway, count: int) -> tuple[list[Look], int]:
    """The looks, and how many requests failed."""
    looks: list[Look] = []
    failed = 0

    async def work(numbers: Iterator[int]) -> None:
        nonlocal failed
        for number in numbers:
            if number % LEAVES_EACH == 0:
                failed += not await leave(http)  # or nobody left in the middle of anything
            else:
                failed += not (await one(http)).good

    part = count // 10
    async with client(gateway.url, gateway.key) as http:
        for done in range(part, count + 1, part):
            numbers = iter(range(done - part, done))
            await asyncio.gather(*(work(numbers) for _ in range(PROCESSES)))
            await asyncio.sleep(SETTLE_SECONDS)
            looks.append(look(gateway, done))
            print(looks[-1], flush=True)
    return looks, failed


def misses(looks: list[Look], failed: int) -> list[str]:
    found = [f"{failed} requests failed"] if failed else []
    found += [f"processes left behind: {one}" for one in looks if one.processes > PROCESSES or one.zombies]
    first, last = looks[0], looks[-1]
    if last.login_files > first.login_files or last.other_files > 1.5 * first.other_files:
        found.append(f"files left behind: {last}")
    for name, before, after in (
        ("server", first.server, last.server),
        ("container", first.container, last.container),
    ):
        if after > before * GROWTH:
            found.append(f"the {name} grew from {before:.0f} to {after:.0f} MiB")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=2000)
    count = parser.parse_args().requests
    started = time.monotonic()
    with fresh_bed() as made, container(made, **TOKEN, CLAUDE_MAX_CONCURRENCY=str(PROCESSES)) as gateway:
        looks, failed = asyncio.run(soak(gateway, count))
    found = misses(looks, failed)
    print(f"{count} requests in {time.monotonic() - started:.0f} s")
    print("\n".join(f"MISSED {miss}" for miss in found) or "no growth, nothing left behind")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
