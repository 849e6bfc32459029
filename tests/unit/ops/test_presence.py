"""What is not as Pulumi made it, although it runs: undone on the engine, and nothing of it costs a new container."""

from decimal import Decimal

import pytest

from rules.sizes import MIB
from tests.unit.ops.reconcile_bed import BACKEND, LITELLM, UP, Bed, container

HANGS = {"State": {"Status": "running", "Health": {"Status": "unhealthy"}}}


@pytest.fixture
def bed(monkeypatch: pytest.MonkeyPatch) -> Bed:
    return Bed(monkeypatch)


@pytest.mark.parametrize("counted", [False, True])
def test_a_limit_that_the_kernel_does_not_know_is_not_put_back_again_and_again(bed: Bed, counted: bool) -> None:
    """Ubuntu's before 22.04 count no swap: each `make up` changed each container, in vain."""
    made = container("good")
    made["inputs"] |= {"memory": 3072, "memorySwap": 3072, "cpus": "2.0", "restart": "unless-stopped"}
    there = {"Memory": 3072 * MIB, "MemorySwap": -1, "NanoCpus": 2 * 10**9}
    bed.engine.changed = {"good": {"HostConfig": {**there, "RestartPolicy": {"Name": "unless-stopped"}}}}
    bed.engine.swap = counted
    bed.reconcile(BACKEND, made)
    limits = ("--restart", "unless-stopped", "--memory", "3072m", "--memory-swap", "3072m", "--cpus", "2")
    assert bed.engine.commands == [("update", *limits, "good")] * counted


@pytest.mark.parametrize("processors", ["1.001", "2.123456789", "1024.000000001"])
@pytest.mark.parametrize("changed", [False, True])
def test_a_part_of_a_processor_is_counted_as_the_engine_does(bed: Bed, processors: str, changed: bool) -> None:
    """In billionths: as a product of fractions it seemed to be changed at each update."""
    made = container("good")
    made["inputs"] |= {"memory": 512, "memorySwap": 512, "cpus": processors, "restart": "always"}
    billionths = int(Decimal(processors) * 10**9)
    bed.engine.changed = {"good": {"HostConfig": {"NanoCpus": billionths + changed}}}
    bed.reconcile(BACKEND, made)
    assert [command[command.index("--cpus") + 1] for command in bed.engine.commands] == [processors] * changed


@pytest.mark.parametrize(("serving", "commands"), [(set(), [("restart", "--time", "2", "good")]), ({"good"}, [])])
def test_one_that_runs_and_answers_nothing_any_more_is_started_anew(
    bed: Bed, serving: set[str], commands: list[tuple[str, ...]]
) -> None:
    """The engine leaves it so for ever; one that is only busy answers after a while."""
    bed.engine.serving = serving
    bed.engine.changed = {"good": UP | HANGS}
    bed.reconcile(BACKEND, container("good"))
    assert bed.engine.commands == commands
    assert not bed.engine.removed


def test_nothing_is_said_to_be_lost_with_the_container_that_asks_for_certificates(
    bed: Bed, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it got is on a volume."""
    bed.engine.gone = {"asks"}
    bed.reconcile(BACKEND, container("asks", LITELLM.replace("prod-litellm", "prod-acme")))
    assert capsys.readouterr().err.endswith("the container name-of-asks is gone from the engine: it is made anew\n")
