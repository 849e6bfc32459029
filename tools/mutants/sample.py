"""Changes the program in one place at a time, and sees whether a test notices: ``make test-mutants``.

A random sample of cosmic-ray's mutants of rules/, components/, posture/, ops/ and the Python that containers run, in
copies of this repository. Places are drawn, each as likely as the next, and one slip for each: so an operator with many
substitutes counts once. Prints each mutant that no test noticed; exit status 1 when fewer than ``LEAST`` percent of the
sample were noticed.
"""

import argparse
import ast
import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test, mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB
from cosmic_ray.work_item import WorkItem, WorkResult

ROOT = Path(__file__).parents[2]
LEAST = 95
TESTS = {
    "rules": ("tests/unit/components", "tests/property", "tests/unit/posture", "tests/unit/ops"),
    "components": ("tests/unit/components",),
    "posture": ("tests/unit/posture",),
    "ops": ("tests/unit/ops",),
    "images/litellm": ("tests/unit/litellm_image",),
    "images/acme": ("tests/unit/acme_image",),
}
"""What judges a mutant, by the folder that it is in."""
MISLEADING = (
    "core/Variable",
    "core/ReplaceComparisonOperator_Eq_Is",
    "core/ReplaceComparisonOperator_NotEq_IsNot",
    "core/ReplaceComparisonOperator_Is_Eq",
    "core/ReplaceComparisonOperator_IsNot_NotEq",
)
"""Operators whose mutants mean the same (enums and None are singletons), or are no slip that anybody makes."""
ORDERED = re.compile(r"ReplaceComparisonOperator_(Eq|NotEq|Is|IsNot)_[LG]t")
PLAINLY = re.compile(r"BinaryOperator|TrueWithFalse|RemoveDecorator")
TEST_SECONDS, TIME_LIMIT = 60, 900.0
"""For one test, and for all tests of a mutant; one that hangs is noticed. A busy machine may need minutes for them."""


def copy(target: Path) -> None:
    """Copies what git tracks, with the environment of the working copy."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, names.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    (target / ".venv").symlink_to(ROOT / ".venv")


def passes(folder: Path) -> bool:
    """Whether all tests pass without a mutant, in a copy; or else each mutant would count as noticed."""
    copy(folder)
    folders = sorted({tests for named in TESTS.values() for tests in named})
    command = [".venv/bin/python", "-m", "pytest", "-x", "-q", "-n", "2", "-p", "no:cacheprovider", *folders]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    print(done.stdout if done.returncode else "", end="")
    return done.returncode == 0


def mutants(folder: Path, only: str) -> list[WorkItem]:
    """Returns all mutants of what lies below ``only``, as paths below the root of a copy."""
    os.chdir(ROOT)
    modules = [path for package in TESTS for path in sorted(Path(package).rglob("*.py")) if path.is_relative_to(only)]
    database = WorkDB(str(folder / "mutants.sqlite"), WorkDB.Mode.create)
    init(modules, database, {})
    return [item for item in database.work_items if not item.mutations[0].operator_name.startswith(MISLEADING)]


def slips(every: list[WorkItem], chance: random.Random) -> Iterator[WorkItem]:
    """Yields one mutant for each place, in random order: a place has one slip, however many operators could make it."""
    places: dict[object, list[WorkItem]] = {}
    for item in every:
        mutation = item.mutations[0]
        places.setdefault((mutation.module_path, mutation.start_pos, mutation.end_pos), []).append(item)
    drawn = list(places.values())
    chance.shuffle(drawn)
    yield from (item for items in drawn if is_slip(item := chance.choice(items)))


def is_slip(item: WorkItem) -> bool:
    """Whether a mutant is a program that does something else.

    The star of ``def f(*, a)`` becomes no program or a slash, and ``int | None`` in an annotation no other: neither is
    a test's matter. An annotation's numbers are rules of pydantic's, and stay. An order in place of an equality is a
    slip where there is a number, and none between words, which enums are too. What ``zip(strict=True)`` guards against
    cannot be, and what ``dataclass(frozen=True)`` does mypy finds, as what is imported for it alone. What a ``cache``
    keeps would be found anew.
    """
    mutation = item.mutations[0]
    code = mutation.module_path.read_text(encoding="utf-8")
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    with contextlib.suppress(SyntaxError, AttributeError):  # AttributeError: cosmic-ray knows no "except a.B"
        program, mutant = ast.parse(code), ast.parse(mutate_code(code, operator, mutation.occurrence))
        ifs = [one for one in around(program, mutation.start_pos, ast.If) if isinstance(one, ast.If)]
        if any(ast.unparse(one.test) == "TYPE_CHECKING" for one in ifs):
            return False
        if ORDERED.search(mutation.operator_name):
            return compares_a_number(program, mutation.start_pos)
        if "BinaryOperator" in mutation.operator_name and not around(
            program, mutation.start_pos, ast.BinOp, ast.AugAssign
        ):
            return False
        return not PLAINLY.search(mutation.operator_name) or plain(program) != plain(mutant)
    return False


def compares_a_number(program: ast.AST, position: tuple[int, int]) -> bool:
    """Whether the comparison at a position has a number on one of its sides."""
    sides = ast.iter_child_nodes(around(program, position, ast.Compare)[-1])
    return any(isinstance(side, ast.Constant) and isinstance(side.value, int | float) for side in sides)


def around(
    program: ast.AST, position: tuple[int, int], *kinds: type[ast.expr] | type[ast.stmt]
) -> list[ast.expr | ast.stmt]:
    """Returns the nodes of some kinds that a position lies in, the innermost last."""
    return [
        node
        for node in ast.walk(program)
        if isinstance(node, kinds)
        and (node.lineno, node.col_offset) <= position < (node.end_lineno or 0, node.end_col_offset or 0)
    ]


def plain(program: ast.AST) -> str:
    """Returns what a program says, without annotations, the guards of ``zip`` and ``dataclass``, and caches."""
    for node in ast.walk(program):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("zip", "dataclass"):
            node.keywords = []
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = [one for one in node.decorator_list if ast.unparse(one) != "cache"]
        for name in ("annotation", "returns"):
            if hasattr(node, name):
                setattr(node, name, None)
    return ast.dump(program)


def enter_copy(folder: str) -> None:
    """Gives a worker a copy of its own."""
    own = Path(tempfile.mkdtemp(dir=folder))
    copy(own)
    os.chdir(own)


def judge(item: WorkItem, deadline: float) -> WorkResult | None:
    """Returns what became of a mutant, or None when the time for the sample is over."""
    if time.time() > deadline:
        return None
    result = None
    for tests in judges(item.mutations[0].module_path):
        command = f".venv/bin/python -m pytest -x -q --timeout={TEST_SECONDS} -p no:cacheprovider {' '.join(tests)}"
        result = mutate_and_test(item.mutations, command, TIME_LIMIT)
        if result.is_killed:
            break
    return result


def judges(module: Path) -> Iterator[list[str]]:
    """Yields the tests that are named after a module, which notice most slips in seconds, and then all of them."""
    folders = next(tests for folder, tests in TESTS.items() if module.is_relative_to(folder))
    if named := sorted(str(path) for folder in folders for path in Path(folder).glob(f"test_*{module.stem}*.py")):
        yield named
    yield list(folders)


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
    parser.add_argument("--only", default=".", metavar="PATH", help="a module or a folder, such as rules/keys.py")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same sample again")  # noqa: S311 - no secret
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if not passes(Path(folder)):
            print("error: a test fails without any mutant")
            return 1
        every = mutants(Path(folder), arguments.only)
    chosen = list(islice(slips(every, random.Random(arguments.seed)), arguments.sample))  # noqa: S311 - no secret
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
