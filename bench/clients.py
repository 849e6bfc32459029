"""What 500 clients cost: a request, and a preview. ``python -m bench.clients``, or ``make bench-clients``.

Limits: at most 1 ms more a request than with one client, and a preview in under 10 s (exit status 1 otherwise). Two
containers are asked in turns, with one client and with 500, whose limits are all counted; each request is another's.
"""

import hashlib
import json
import statistics
import sys
import time
from contextlib import ExitStack

import httpx

from testbed.container import CREDENTIALS, container, fresh_bed
from testbed.deployment import deployment
from testbed.operations import Operations

MANY = 500
REQUESTS = 2_000
MORE_MS, PREVIEW_SECONDS = 1.0, 10.0
RULES = {"models": ["haiku"], "requestsPerMinute": 1_000_000, "tokensPerMinute": 1_000_000_000, "maxParallel": 4}
ASKED = {"model": "haiku", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}


def declared(clients: int) -> str:
    """Returns so many clients as LiteLLM is told of them (rules/clients.py)."""
    digests = {number: hashlib.sha256(f"sk-{number}".encode()).hexdigest() for number in range(clients)}
    return json.dumps(
        {f"c{number}": {"keys": [(digest, "initial", None)], **RULES} for number, digest in digests.items()}
    )


def request_ms() -> dict[int, float]:
    """Returns the median time of a request with one client and with many, in milliseconds."""
    times: dict[int, list[float]] = {1: [], MANY: []}
    with ExitStack() as standing:
        bed = standing.enter_context(fresh_bed())
        doors = {}
        for clients in times:
            gateway = standing.enter_context(
                container(bed, **CREDENTIALS["API key"], GATEWAY_CLIENTS=declared(clients))
            )
            doors[clients] = standing.enter_context(httpx.Client(base_url=gateway.url, timeout=60))
        for number in range(REQUESTS):
            for clients, door in doors.items():
                headers = {"x-api-key": f"sk-{number % clients}"}
                start = time.perf_counter()
                door.post("/v1/messages", json=ASKED, headers=headers).raise_for_status()
                times[clients].append(time.perf_counter() - start)
    return {clients: statistics.median(found) * 1000 for clients, found in times.items()}


def preview_seconds(clients: int) -> float:
    """Returns how long `make preview` of a new production stack with so many clients takes, in seconds."""
    with deployment("prod", **{f"clients.c{number}.maxParallel": 4 for number in range(clients)}) as stack:
        operations = Operations(stack)
        start = time.monotonic()
        operations.finish(operations.start("ops/preview.sh", stack.name))
        return time.monotonic() - start


def main() -> int:
    """Prints a table; returns 1 when a limit is missed."""
    asked = request_ms()
    previews = {clients: preview_seconds(clients) for clients in asked}
    sys.stdout.write(
        f"{'':24}{'1 client':>12}{f'{MANY} clients':>14}  limit\n"
        f"{'a request, p50':24}{asked[1]:>9.2f} ms{asked[MANY]:>11.2f} ms  {MORE_MS:g} ms more\n"
        f"{'preview':24}{previews[1]:>10.1f} s{previews[MANY]:>12.1f} s  {PREVIEW_SECONDS:g} s\n"
    )
    return int(asked[MANY] - asked[1] > MORE_MS or previews[MANY] > PREVIEW_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
