"""A test that goes on from others of its module says so, and is refused without them."""

import ast

import pytest

from tests.unit.house.test_habits import ROOT

pytest_plugins = ("pytester",)

MODULE = """import pytest

def test_first():
    pass

def test_alone():
    pass

@pytest.mark.goes_on_from("test_first")
def test_second():
    pass

@pytest.mark.goes_on_from("test_second")
def test_third():
    pass
"""


def begun(test: ast.stmt) -> list[str]:
    """What a test's marks name."""
    return [
        ast.literal_eval(name)
        for mark in getattr(test, "decorator_list", [])
        if isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("goes_on_from")
        for name in mark.args
    ]


def test_a_test_goes_on_from_earlier_ones_of_its_module() -> None:
    marked = 0
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        earlier: set[str] = set()
        for test in ast.parse(path.read_text()).body:
            named = begun(test)
            marked += len(named)
            assert set(named) <= earlier, (
                f"{path}: {getattr(test, 'name', '')} goes on from a test that is not before it"
            )
            earlier.add(getattr(test, "name", ""))
    assert marked > 20


@pytest.mark.parametrize(
    ("chosen", "refused"),
    [
        ([], []),
        (["-k", "first or second or alone"], []),
        (["test_x.py::test_alone"], []),
        (["test_x.py::test_first", "test_x.py::test_third"], ["test_second"]),
        (["test_x.py::test_second", "test_x.py::test_first"], ["test_first"]),
        (["-k", "second or third"], ["test_first"]),
    ],
)
def test_without_those_it_is_refused(pytester: pytest.Pytester, chosen: list[str], refused: list[str]) -> None:
    pytester.makepyfile(test_x=MODULE)
    pytester.makeconftest("from tests.conftest import pytest_runtest_setup")
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:asyncio", *chosen)
    assert done.ret == (1 if refused else 0)
    said = [line for line in done.outlines if line.startswith("goes on from ")]
    assert said == [f"goes on from {name}: choose that too, or run all of test_x.py" for name in refused]
