"""Changes the program in one place at a time, and sees whether a test notices: ``make test-mutants``.

A random sample of cosmic-ray's mutants of rules/, components/, posture/ and ops/, in copies of this repository. Prints
each mutant that no test noticed; exit status 1 when fewer than ``LEAST`` percent of the sample were noticed.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import WorkItem, WorkResult

ROOT = Path(__file__).parents[2]
LEAST = 95
TESTS = {
    "rules": "tests/unit/components tests/property",
    "components": "tests/unit/components",
    "posture": "tests/unit/posture",
    "ops": "tests/unit/ops",
}
"""What judges a mutant, by the package that it is in."""
MISLEADING = ("core/Variable", "core/ReplaceComparisonOperator_Eq_Is", "core/ReplaceComparisonOperator_NotEq_IsNot")
"""Operators whose mutants mean the same (enums and None are singletons), or are no slip that anybody makes."""
TIME_LIMIT = 180.0
"""Seconds for the tests of one mutant; one that hangs is noticed."""


def copy(target: Path) -> None:
    """Copies what git tracks, with the environment of the working copy."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607
    for name in filter(None, names.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    (target / ".venv").symlink_to(ROOT / ".venv")


def mutants(folder: Path) -> list[WorkItem]:
    """Returns all mutants, as paths below the root of a copy."""
    os.chdir(ROOT)
    modules = [path for package in TESTS for path in sorted(Path(package).rglob("*.py"))]
    database = WorkDB(str(folder / "mutants.sqlite"), WorkDB.Mode.create)
    init(modules, database, {})
    return [item for item in database.work_items if not item.mutations[0].operator_name.startswith(MISLEADING)]


def enter_copy(folder: str) -> None:
    """Gives a worker a copy of its own."""
    own = Path(tempfile.mkdtemp(dir=folder))
    copy(own)
    os.chdir(own)


def judge(item: WorkItem, deadline: float) -> WorkResult | None:
    """Returns what became of a mutant, or None when the time for the sample is over."""
    if time.time() > deadline:
        return None
    tests = TESTS[item.mutations[0].module_path.parts[0]]
    return mutate_and_test(item.mutations, f".venv/bin/python -m pytest -x -q -p no:cacheprovider {tests}", TIME_LIMIT)


def results(chosen: list[WorkItem], workers: int, seconds: float) -> Iterator[tuple[WorkItem, WorkResult]]:
    """Yields each mutant that was judged in time."""
    deadline = time.time() + seconds
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(workers, initializer=enter_copy, initargs=(folder,)) as pool,
    ):
        for item, result in zip(chosen, pool.map(judge, chosen, [deadline] * len(chosen)), strict=True):
            if result is not None:
                yield item, result


def main() -> int:
    """Runs the command and returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=60, help="how many mutants to try")
    parser.add_argument("--seconds", type=float, default=420, help="begin no mutant after this time")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same sample again")  # noqa: S311
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        every = mutants(Path(folder))
    chosen = random.Random(arguments.seed).sample(every, min(arguments.sample, len(every)))  # noqa: S311
    print(f"{len(chosen)} of {len(every)} mutants, --seed {arguments.seed}", flush=True)
    judged, unnoticed = 0, 0
    for item, result in results(chosen, arguments.workers, arguments.seconds):
        judged += 1
        if not result.is_killed:
            unnoticed += 1
            print(f"\nno test noticed {item.mutations[0].operator_name}:\n{result.diff}", flush=True)
    if judged == 0:
        print("error: no mutant was judged in time; give --seconds more")
        return 1
    share = 100 * (judged - unnoticed) / judged
    print(f"{judged - unnoticed} of {judged} mutants were noticed: {share:.0f}% (at least {LEAST}% are wanted)")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
