"""What 500 clients cost: a look at a key, and a preview. ``python -m bench.clients``, or ``make bench-clients``.

Limits: at most 1 ms more a request than with one client, and a preview in under 10 s (exit status 1 otherwise).
"""

import hashlib
import statistics
import sys
import time

from claude_gateway.front.keys import Authenticator
from claude_gateway.start.clients import Client, ClientKey
from claude_gateway.start.secret import Secret
from claude_gateway.start.settings import MasterKey

from testbed.deployment import deployment

MANY = 500
ROUNDS = 20_000
MORE_MS, PREVIEW_SECONDS = 1.0, 10.0


def check_ms(clients: int) -> float:
    """Returns the median time of one look at a client's key, in milliseconds."""
    made = [
        Client(f"c{number}", (ClientKey(hashlib.sha256(f"sk-{number}".encode()).digest(), "initial"),))
        for number in range(clients)
    ]
    door = Authenticator(MasterKey(Secret("sk-master"), "initial"), None, made)
    times = []
    for number in range(ROUNDS):
        presented = [f"sk-{number % clients}".encode()]
        start = time.perf_counter()
        door.check(presented)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def preview_seconds(clients: int) -> float:
    """Returns how long a preview of a new production stack with so many clients takes, in seconds."""
    with deployment("prod", **{f"clients.c{number}.maxParallel": 4 for number in range(clients)}) as stack:
        start = time.monotonic()
        stack.changes()
        return time.monotonic() - start


def main() -> int:
    """Prints a table; returns 1 when a limit is missed."""
    one, many = check_ms(1), check_ms(MANY)
    first, last = preview_seconds(1), preview_seconds(MANY)
    sys.stdout.write(
        f"{'':24}{'1 client':>12}{f'{MANY} clients':>14}  limit\n"
        f"{'a look at a key, p50':24}{one:>9.4f} ms{many:>11.4f} ms  {MORE_MS:g} ms more\n"
        f"{'preview':24}{first:>10.1f} s{last:>12.1f} s  {PREVIEW_SECONDS:g} s\n"
    )
    return int(many - one > MORE_MS or last > PREVIEW_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
