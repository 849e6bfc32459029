"""In which order the tests of an engine run, and which of them one worker has (tests/conftest.py)."""

import os
import subprocess
import sys

import pytest

from tests.unit.house.test_habits import ROOT

CASE = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_one(number, worker_id):
    with open({log!r}, "a") as log:
        log.write(f"{{worker_id}} {{__name__}} {{number}}\\n")
"""
STACK = ("test_flood", "test_prod")  # share the stack "prod"; a module of neither name has one of its own
FILES = (*STACK, "test_another", "test_further")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Worker, module and number of each test, in the order in which two workers ran them."""
    root = tmp_path_factory.mktemp("order")
    (root / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (root / "integration").mkdir()
    for name in FILES:
        (root / "integration" / f"{name}.py").write_text(CASE.format(log=str(root / "log")))
    command = (
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={root}", "--numprocesses=2"),
        *("--dist=loadscope", "--no-loadscope-reorder", str(root)),
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return [line.split() for line in (root / "log").read_text().splitlines()]


def test_all_tests_of_one_stack_run_on_one_worker_in_order(ran: list[list[str]]) -> None:
    of_stack = [(worker, module, number) for worker, module, number in ran if module in STACK]
    assert len({worker for worker, _, _ in of_stack}) == 1
    assert [(module, int(number)) for _, module, number in of_stack] == [
        (name, at) for name in STACK for at in range(4)
    ]


def test_the_workers_share_the_stacks_and_the_long_one_comes_first(ran: list[list[str]]) -> None:
    assert len({worker for worker, _, _ in ran}) == 2
    (worker,) = {worker for worker, module, _ in ran if module in STACK}
    assert next(module for one, module, _ in ran if one == worker) == STACK[0]
