"""`python -m bench.siege [--seconds 120] [--only KIND ...]`: all attacks at all default limits, and one honest client.

First the honest client alone, then beside the attackers (testbed/siege.py). Prints what the client noticed and how much
memory LiteLLM took; exit status 1 when a promise does not hold. Needs root.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from bench.promises import Promise, told
from testbed.container import docker
from testbed.siege import MEMORY_SHARE, stack
from testbed.siege_load import KINDS

if TYPE_CHECKING:
    from testbed.siege import Seen

TIMES_QUIET = 3.0


def promises(quiet: Seen, seen: Seen, tries: dict[str, int], restarts: int) -> list[Promise]:
    """What has to hold, and the figures."""
    times = seen.p95 / quiet.p95
    return [
        (bool(tries) and all(tries.values()), f"each attack reached the gateway ({tries})"),
        (not seen.wrong, f"the honest client's requests all succeed ({seen.wrong[:3]})"),
        (times < TIMES_QUIET, f"its p95 is {times:.1f} times the quiet one (limit {TIMES_QUIET:g})"),
        (
            seen.memory < MEMORY_SHARE * seen.limit,
            f"LiteLLM takes {seen.memory / seen.limit:.0%} of its memory (limit {MEMORY_SHARE:.0%})",
        ),
        (not seen.not_ready, f"readiness answers all the while ({seen.not_ready[:3]})"),
        (restarts == 0, f"{restarts} restarts"),
    ]


def main() -> int:
    """Returns 1 when a promise does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS, help="which attack costs how much?")
    options = parser.parse_args()
    seconds = options.seconds
    with stack(options.only) as siege:
        asyncio.run(siege.watch(5))
        quiet = asyncio.run(siege.watch(min(30, seconds)))
        print(f"quiet:    {quiet}", flush=True)
        seen, tries = siege.besieged(seconds)
        print(f"besieged: {seen}")
        print(f"attacks:  {', '.join(f'{count} {kind}' for kind, count in tries.items())}")
        restarts = int(docker("inspect", "--format", "{{.RestartCount}}", siege.container))
    return told(promises(quiet, seen, tries, restarts))


if __name__ == "__main__":
    sys.exit(main())
