"""`python -m bench.updates [--only NAME ...]`: every kind of update under load, and docker compose's way beside it.

Pulumi's stack and compose's containers run the same images in front of the same fake API, one after the other. Prints a
table, writes updates-benchmark.json, and exits with 1 when an update lost a request or a stream, or was slow.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.rotation import PORT, pulumi_stack, under_load
from bench.rotation_compose import Compose
from bench.rotation_report import Figures, table
from testbed.deployment import Deployment
from testbed.hosts import Internet, internet
from testbed.operations import Operations

RESULT = Path("updates-benchmark.json")
LEAST_REQUESTS = 1000
ROLES = ("egress", "litellm", "gateway", "front")
MODELS = {"models.sonnet": "claude-opus-5-5", "models.another": "claude-haiku-4-5"}


@dataclass(frozen=True)
class Change:
    """One kind: settings of the stack, a file of an image to touch; and what compose is told instead, by variable."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    image: str = ""
    compose: dict[str, str] = field(default_factory=dict)


CHANGES = (
    Change("master key"),
    Change("models", MODELS, compose={"MODELS": '{"sonnet": "claude-opus-5-5", "another": "claude-haiku-4-5"}'}),
    Change("limits", {"maxConnectionsPerSource": 999, "failedAuthPerMinute": 20}, compose={"CONNECTIONS": "999"}),
    Change("log level", {"logLevel": "WARNING"}, compose={"LOG_LEVEL": "WARNING"}),
    Change("allow-list", {"allowedCidrs": ["10.9.0.0/16"]}, compose={"ALLOWED_CIDRS": "10.9.0.0/16"}),
    Change("certificate", {"tlsValidityHours": 2000}),
    Change(
        "egress list",
        {"egressAllow": ["api.anthropic.com", "example.org"]},
        compose={"EGRESS_ALLOW": "api.anthropic.com,example.org"},
    ),
    Change("LiteLLM's image", image="litellm"),
    Change("gateway's image", image="gateway"),
    Change("egress image", image="egress"),
    Change("memory limit", {"litellmMemoryMib": 3200}, compose={"MEMORY": "3200m"}),
)


def ours(stack: Deployment, operations: Operations, change: Change) -> Figures:
    """Makes the change as an operator does."""
    stack.outputs = None
    key, authority = str(stack.output("master_key")), str(stack.output("ca_certificate"))

    def update() -> str:
        if change.name == "master key":
            operations.rotate("--overlap", "24h")
            return str(stack.output("master_key"))
        stack.set(**change.settings)
        if change.image:
            with (stack.project / "images" / change.image / "Dockerfile").open("a") as file:
                file.write("LABEL of.the.benchmark=changed\n")
        operations.up()
        return key

    before = stack.there()
    found = under_load(f"pulumi: {change.name}", key, authority, update, load="updates_load")
    if stack.there() == before:  # the names of what was replaced are new
        raise AssertionError(f"{change.name}: nothing was replaced, so that there was nothing to lose a request by")
    return found


def composes(compose: Compose, change: Change, old: dict[str, str], new: dict[str, str]) -> Figures:
    """The same change as compose makes it: what differs is recreated. ``old`` and ``new`` are ids of images by role."""
    key = compose.key

    def update() -> str:
        if change.name == "master key":
            return compose.rotate()
        if change.name == "certificate":
            compose.renew()
        compose.change(change.compose | ({f"{change.image.upper()}_IMAGE": new[change.image]} if change.image else {}))
        return key

    if change.image and old[change.image] == new[change.image]:
        raise AssertionError(f"the {change.image} image has not changed")
    return under_load(f"compose: {change.name}", key, compose.authority, update, port=PORT + 1, load="updates_load")


def images_of(stack: Deployment) -> dict[str, str]:
    """What runs, by role."""
    return {role: str(stack.inspect(role)["Image"]) for role in ROLES}


def measured(net: Internet, changes: list[Change], *, compose: bool) -> Iterator[Figures]:
    """The figures of each change, ours first; each is shown when it is there."""
    with pulumi_stack(net) as (stack, operations):
        old = images_of(stack)
        for change in changes:
            found = ours(stack, operations, change)
            print(table([found]), flush=True)
            yield found
        new = images_of(stack)
        if not compose:
            return
        with tempfile.TemporaryDirectory() as folder, Compose(Path(folder), old, net, PORT + 1) as other:
            other.start()
            for change in changes:
                found = composes(other, change, old, new)
                print(table([found]), flush=True)
                yield found


def main() -> int:
    """Returns the exit status: 1 when a promise does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=[change.name for change in CHANGES])
    parser.add_argument("--no-compose", action="store_true")
    arguments = parser.parse_args()
    changes = [change for change in CHANGES if not arguments.only or change.name in arguments.only]
    with tempfile.TemporaryDirectory() as folder, internet(Path(folder)) as net:
        found = list(measured(net, changes, compose=not arguments.no_compose))
    load = os.getloadavg()
    print(f"\n{table(found)}\nload average {load[0]:.1f} on {os.cpu_count()} cores")
    RESULT.write_text(json.dumps({"runs": [run.json() for run in found], "load_average": load}, indent=1) + "\n")
    promised = [run for run in found if run.name.startswith("pulumi")]
    misses = [f"{run.name}: {miss}" for run in promised for miss in run.misses(LEAST_REQUESTS)]
    print("\n".join(f"MISSED {miss}" for miss in misses) or "all promises hold")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
