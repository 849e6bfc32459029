"""What rooms start of each other, which import-linter does not see: no circle is closed by a shell or a program."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

from tests.unit.house.test_habits import ROOT

ROOMS = ("rules", "components", "posture", "ops", "setup")
STARTS = re.compile(rf"(?<![\w./-])({'|'.join(ROOMS)})(?:\.\w+|/\w+\.sh)|-m ({'|'.join(ROOMS)})\b")
SCRIPT = re.compile(rf"({'|'.join(ROOMS)})/\w+\.sh")


def of_python(path: Path) -> Iterator[str]:
    """The rooms that a module imports, and those of which it names a script or, after ``-m``, a program."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Constant) and (script := SCRIPT.fullmatch(str(node.value))):
            yield script[1]
        words = getattr(node, "elts", getattr(node, "args", None))
        for before, after in pairwise(words if isinstance(words, list) else []):
            if (getattr(before, "value", ""), isinstance(after, ast.Constant)) == ("-m", True):
                yield after.value.partition(".")[0]


def of_shell(path: Path) -> Iterator[str]:
    """The rooms of which a script starts something; a comment starts nothing."""
    for line in path.read_text().splitlines():
        for found in STARTS.finditer(re.sub(r"(^|\s)#.*", "", line)):
            yield found[1] or found[2]
        if "/../setup/lib.sh" in line:
            yield "setup"


def leans_on(room: str) -> set[str]:
    """The other rooms that one needs to do what it does."""
    found = {name for path in (ROOT / room).rglob("*.py") for name in of_python(path)}
    found |= {name for path in (ROOT / room).glob("*.sh") for name in of_shell(path)}
    return found & set(ROOMS) - {room}


def test_rooms_start_nothing_in_a_circle() -> None:
    """A rotation ran setup's script, which ran programs of the operations."""
    found = {room: leans_on(room) for room in ROOMS}
    assert next(iter(TopologicalSorter(found).static_order())) == "rules"
    assert found["setup"] == {"rules"}
    assert found["posture"] == {"rules", "setup"}
    assert found["ops"] == {"rules", "setup", "posture"}


def test_each_way_of_starting_something_is_seen(tmp_path: Path) -> None:
    script, module = tmp_path / "x.sh", tmp_path / "x.py"
    script.write_text(
        '# ops.notes\n"$python" -m posture --brief\nsetup/engine.sh "$1" # ops/up.sh\npython -m ops.prune\n'
    )
    assert list(of_shell(script)) == ["posture", "setup", "ops"]
    module.write_text(
        '"""ops"""\nfrom rules.x import y\nUP = Path("setup/up.sh")\nrun([sys.executable, "-m", "posture.ask"])\n'
    )
    assert list(of_python(module)) == ["rules", "setup", "posture"]
