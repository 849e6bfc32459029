"""Rooms lean on each other one way, also where one starts the other as a program, which import-linter does not see."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

from tests.unit.house.test_habits import ROOT, tracked

ROOMS = ("rules", "components", "posture", "ops", "setup", "testbed", "bench", "tools", "tests")


def started_by_shell(text: str) -> Iterator[str]:
    """Programs after ``-m``, and scripts; a comment starts nothing."""
    for line in text.splitlines():
        code = re.sub(r"(^|\s)#.*", "", line)
        yield from re.findall(r"-m (\w+)[.\w]*", code)
        yield from re.findall(r"(?:^|[\s/\"$(])(\w+)/[\w-]+\.sh\b", code)


def used_by_python(tree: ast.AST) -> Iterator[str]:
    """What is imported, and what stands in a string that is a module or a script to start."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"^(\w+)/[\w-]+\.sh$", node.value)
        elif isinstance(node, (ast.List, ast.Tuple)):
            words = [one.value if isinstance(one, ast.Constant) else None for one in node.elts]
            yield from (str(word) for dash, word in pairwise(words) if dash == "-m")


def used(path: Path) -> set[str]:
    text = path.read_text()
    found = used_by_python(ast.parse(text)) if path.suffix == ".py" else started_by_shell(text)
    return {name.partition(".")[0] for name in found}


def test_no_room_leads_back_to_itself() -> None:
    arrows: dict[str, set[str]] = {room: set() for room in ROOMS}
    for path in tracked(*(f"{room}/*{end}" for room in ROOMS for end in (".py", ".sh"))):
        room, _, _ = str(path.relative_to(ROOT)).partition("/")
        arrows[room] |= used(path) & set(ROOMS) - {room}
    list(TopologicalSorter(arrows).static_order())  # graphlib.CycleError names the circle
    assert (arrows["setup"], arrows["posture"]) == ({"rules"}, {"rules"})
    assert arrows["ops"] == {"rules", "setup", "posture"}, "a rotation is an update, which sets up and is checked"


def test_each_way_of_using_another_room_is_seen(tmp_path: Path) -> None:
    script, module = tmp_path / "x.sh", tmp_path / "x.py"
    started = ['"$python" -m posture --brief', 'setup/engine.sh "$1"', '. "$(dirname "$0")/../setup/lib.sh"']
    script.write_text("\n".join(["# ops.notes, ops/up.sh", *started]))
    assert used(script) == {"posture", "setup"}
    starting = ['UP = Path("setup/up.sh")', 'run([executable, "-m", "bench.updates"])']
    module.write_text("\n".join(['"""ops/up.sh of posture"""', "from rules.x import y", *starting]))
    assert used(module) == {"rules", "setup", "bench"}
