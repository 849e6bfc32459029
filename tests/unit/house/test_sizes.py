"""A module has one idea, and fits on few screens."""

from tests.unit.house.test_habits import ROOT, tracked

LONGEST = 250
LONGEST_PROGRAM = 80


def lines(name: str) -> int:
    return len((ROOT / name).read_text().splitlines())


def test_no_module_is_longer_than_250_lines() -> None:
    modules = [str(path.relative_to(ROOT)) for path in tracked("*.py")]
    assert len(modules) > 100
    assert {name: lines(name) for name in modules if lines(name) > LONGEST} == {}


def test_the_program_reads_like_a_table_of_contents() -> None:
    assert lines("__main__.py") < LONGEST_PROGRAM
