"""`python -m bench.rotation [--rounds 1]`: a rotation of the master key under load, and docker compose's beside it.

Pulumi's stack and compose's containers run the same images in front of the same fake API, one after the other. Prints a
table, writes rotation-benchmark.json, and exits with 1 when a rotation lost a request or a stream, or was slow.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from bench.rotation_compose import Compose
from bench.rotation_load import Sample, Target
from bench.rotation_report import Figures, figures, table
from testbed.deployment import ROOT, Deployment, deployment
from testbed.hosts import Internet, internet
from testbed.operations import Operations

PORT = 14643
STEADY_SECONDS = 20.0
STREAM_SECONDS = 60.0
STREAM_LEAD_SECONDS = 5.0  # before the rotation begins
DRAIN_SECONDS = 120
RESULT = Path("rotation-benchmark.json")


def under_load(
    name: str, key: str, authority: str, rotate: Callable[[], str], port: int = PORT, load: str = "rotation_load"
) -> Figures:
    """Runs the load around `rotate`, which returns the new key."""
    target = Target(
        "localhost", port, "sonnet", authority, STREAM_SECONDS, STEADY_SECONDS - STREAM_LEAD_SECONDS, "127.0.0.1"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", f"bench.{load}"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("pipes were asked for")
    written: list[str] = []
    reader = threading.Thread(target=lambda out: written.append(out.read()), args=(process.stdout,))
    reader.start()

    def tell(**order: object) -> None:
        process.stdin.write(json.dumps(order) + "\n")  # type: ignore[union-attr] # checked above
        process.stdin.flush()  # type: ignore[union-attr]

    try:
        tell(target=asdict(target), key=key)
        time.sleep(STEADY_SECONDS)
        began = time.time()
        new = rotate()
        ended = time.time()
        tell(key=new)
        time.sleep(STEADY_SECONDS)
        tell(stop=True)
        reader.join()
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait()
    return figures(name, [Sample(**entry) for entry in json.loads(written[0])], began, ended)


@contextmanager
def pulumi_stack(net: Internet) -> Iterator[tuple[Deployment, Operations]]:
    """A production stack on loopback, up."""
    with deployment(
        "prod",
        port=PORT,
        bindAddresses=["127.0.0.1"],
        drainSeconds=DRAIN_SECONDS,
        maxConnectionsPerSource=1000,  # all of the load comes from one address here
        **net.settings,
    ) as stack:
        stack.set_secret("anthropicApiKey", "sk-ant-of-the-benchmark")
        stack.up()
        yield stack, Operations(stack)


def rounds(stack: Deployment, operations: Operations, count: int, faults: list[str]) -> Iterator[Figures]:
    """Rotates `count` times, each under load, with the previous key retired in between; failures go to `faults`."""
    for number in range(count):
        if number:
            operations.retire()

        def rotate() -> str:
            command = operations.starting_rotation("--overlap", "24h")
            printed, _ = command.communicate()
            if command.returncode:  # a miss, but the load's figures are worth having
                faults.append(f"make rotate failed: {printed.strip().splitlines()[-1]}")
            stack.outputs = None
            return str(stack.output("master_key"))

        stack.outputs = None
        key, authority = str(stack.output("master_key")), str(stack.output("ca_certificate"))
        yield under_load(f"pulumi {number + 1}", key, authority, rotate)


def compose_round(stack: Deployment, net: Internet) -> Figures:
    """The same load on compose's containers of the same images, recreated with a new key."""
    images = {role: stack.inspect(role)["Image"] for role in ("egress", "litellm", "gateway", "front")}
    with tempfile.TemporaryDirectory() as folder, Compose(Path(folder), images, net, PORT + 1) as compose:
        compose.start()
        return under_load("compose", compose.key, compose.authority, compose.rotate, port=PORT + 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--no-compose", action="store_true")
    arguments = parser.parse_args()
    runs: list[Figures] = []
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder, internet(Path(folder)) as net, pulumi_stack(net) as made:
        stack, operations = made
        for run in rounds(stack, operations, arguments.rounds, faults):
            runs.append(run)
            print(table(runs[-1:]), flush=True)
        promised = list(runs)
        if not arguments.no_compose:
            runs.append(compose_round(stack, net))
    load = os.getloadavg()
    print(f"\n{table(runs)}\nload average {load[0]:.1f} on {os.cpu_count()} cores")
    RESULT.write_text(json.dumps({"runs": [run.json() for run in runs], "load_average": load}, indent=1) + "\n")
    if not promised:
        faults.append("no rotation was measured")
    misses = faults + [f"{run.name}: {miss}" for run in promised for miss in run.misses()]
    print("\n".join(f"MISSED {miss}" for miss in misses) or "all promises hold")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
