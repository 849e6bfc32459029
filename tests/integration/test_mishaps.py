"""Whatever happens to a stack, `make up` brings it back: with its key and its login, or with a sentence that says how.

A series of mishaps is drawn at random and done to one stack, each on what the one before has left. No kind comes again
before each has been. A few are part of `make test`; `make test-mishaps` does 50 (MISHAPS=50), or those of a series that
failed (SEED=N).
"""

import os
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from testbed.deployment import deployment, docker
from testbed.operations import Operations
from tests.integration.mishaps import MARKER, ROLES, SIGNALS, Bed, Way, small_disk

PORT = 14781
FEW = ("a container is removed", "all die at once", "a file is half written")
STEPS = int(os.environ.get("MISHAPS", len(FEW)))
FILES = ("state", "no state", "meta", "notes", "lock", "cut lock", "dead lock")

pytestmark = pytest.mark.timeout(120 * STEPS + 600)


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with deployment("prod", port=PORT, drainSeconds=2) as stack, small_disk(stack):
        for role in ROLES:  # images of its own, or removing one would take another stack's, too
            with (stack.project / "images" / role / "Dockerfile").open("a") as file:
                file.write(f"\nLABEL of-the-mishaps={stack.name}\n")
        stack.pulumi("stack", "init", "--secrets-provider", "passphrase")  # the first one is under the mount
        stack.set_secret("anthropicApiKey", "sk-ant-api03-of-the-tests")
        made = Bed(stack, Operations(stack))
        made.operations.up()
        made.mark()
        yield made
        stack.remove()  # before its state is unmounted


def connected_by_hand(bed: Bed, draw: random.Random) -> None:
    """`make up` also ends what is none of the stack's own."""
    role = draw.choice(ROLES)
    bed.connected_by_hand(role)
    bed.operations.up()
    assert "bridge" not in docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", bed.one(role))


def login_removed(bed: Bed, draw: random.Random) -> None:
    """What stands for the login is put back afterwards, as by a person."""
    replaced = draw.choice((True, False))
    bed.login_removed(replaced=replaced)
    said = bed.operations.up()
    assert replaced or "It is empty: if the stack uses a Claude login, log in again" in said
    bed.mark()


def interrupted(bed: Bed, draw: random.Random) -> None:
    """Half of the times the update that repairs it is interrupted, too."""
    how, after, pulumi_alone = draw.choice(sorted(SIGNALS)), draw.uniform(0.1, 25), draw.choice((True, False))
    bed.interrupted(how, after, pulumi_alone=pulumi_alone)
    if draw.choice((True, False)):
        bed.interrupted(how, after / 2, pulumi_alone=pulumi_alone)


MISHAPS: dict[str, Callable[[Bed, random.Random], Way | None]] = {
    "a container is removed": lambda bed, draw: bed.removed(draw.choice(ROLES)),
    "a container is stopped": lambda bed, draw: bed.stopped(draw.choice(ROLES), draw.choice(("stop", "kill", "pause"))),
    "a container is renamed": lambda bed, draw: bed.renamed(draw.choice(ROLES)),
    "a container is disconnected": lambda bed, draw: bed.disconnected(draw.choice(ROLES)),
    "a container is connected by hand": connected_by_hand,
    "a container hangs": lambda bed, draw: bed.hangs(draw.choice(ROLES)),
    "everything is pruned": lambda bed, _draw: bed.pruned(),
    "all die at once": lambda bed, _draw: bed.power_lost(),
    "the login is removed": login_removed,
    "the login's files become root's": lambda bed, _draw: bed.login_of_root(),
    "an image is removed": lambda bed, draw: bed.image_removed(draw.choice(ROLES)),
    "an update is interrupted": interrupted,
    "two updates run at once": lambda bed, _draw: bed.two_at_once(),
    "a file is half written": lambda bed, draw: bed.half_written(draw.choice(FILES)),
    "the settings are damaged": lambda bed, _draw: bed.damaged_settings(),
    "the passphrase is another one": lambda bed, _draw: bed.wrong_passphrase(),
    "the port is taken": lambda bed, _draw: bed.taken_port(),
    "the certificate expires": lambda bed, _draw: bed.expired_certificate(),
    "the disk is full": lambda bed, _draw: bed.full_disk(),
}


@dataclass
class Series:
    """A stack and the key that it keeps, whatever happens."""

    bed: Bed
    key: str

    def comes_back(self, way: Way | None) -> None:
        """Types `make up`: once, or again after what its sentence names."""
        stack, operations = self.bed.stack, self.bed.operations
        if way is not None:
            kept = dict(stack.environment)
            stack.environment |= way.environment
            said = operations.up(status=1)
            stack.environment = kept
            assert way.sentence in said, said
            assert "Traceback" not in said, said
            way.follow(said)
        operations.up()
        assert stack.output("master_key") == self.key
        assert stack.call("/v1/models", key=self.key).status == 200
        assert stack.exec("litellm", "cat", MARKER) == "kept"
        known = sorted(r["inputs"]["name"] for r in stack.resources() if r["type"].endswith(":Container"))
        assert sorted(stack.there()) == known, "nothing is there twice"
        running = docker("inspect", "--format", "{{.State.Running}}", *known).split()
        assert set(running) == {"true"}


def test_whatever_happens_to_a_stack_make_up_brings_it_back(bed: Bed, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = "MISHAPS" in os.environ
    seed = int(os.environ.get("SEED") or random.randrange(10**6)) if drawn else 1
    draw = random.Random(seed)
    series = Series(bed, str(bed.stack.output("master_key")))
    left = [] if drawn else list(FEW)
    for number in range(1, STEPS + 1):
        left = left or draw.sample(list(MISHAPS), len(MISHAPS))
        name = left.pop()
        if drawn:
            with capsys.disabled():
                sys.stdout.write(f"\nmishap {number} of {STEPS}, SEED={seed}: {name}\n")
        series.comes_back(MISHAPS[name](bed, draw))
