"""The recipes of CONTRIBUTING.md, followed word for word in a copy of the repository."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.house.test_habits import ROOT, tracked
from tests.unit.house.test_sizes import LONGEST_PROGRAM

RECIPES = dict(
    re.findall(r"^## Recipe: (.+?)\n(.*?)(?=^## |\Z)", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)
)
BLOCK = re.compile(r"(?P<words>.*?)^ {3}```(?P<language>\w+)\n(?P<code>.*?)^ {3}```", re.MULTILINE | re.DOTALL)


class Copy:
    """A copy of the repository, and what a reader does in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = ""
        for path in tracked():
            target = root / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        (root / ".venv").symlink_to(ROOT / ".venv")

    def follow(self, words: str, code: str) -> None:
        """Does what the end of ``words`` says with ``code``."""
        if found := re.search(r"Create `([^`]+)`:$", words):
            (self.root / found.group(1)).open("x").write(code)
        elif found := re.search(r"(?:In `([^`]+)`, |and )(above|below) the line `([^`]+)`, add:$", words):
            self.file = found.group(1) or self.file  # "and above the line" goes on in the same file
            self.add(found.group(2), found.group(3), code)
        else:
            assert words.endswith(("run the tests:", "Run the tests:")), words
            self.run(code)

    def add(self, side: str, line: str, code: str) -> None:
        lines = (self.root / self.file).read_text().splitlines()
        (at,) = [number for number, found in enumerate(lines) if found.strip() == line]
        at += side == "below"
        (self.root / self.file).write_text("\n".join([*lines[:at], *code.splitlines(), *lines[at:]]) + "\n")

    def run(self, commands: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_there_are_three_recipes() -> None:
    assert list(RECIPES) == ["a setting", "a posture check", "a component"]


@pytest.mark.parametrize("name", RECIPES)
def test_a_newcomer_follows_the_recipe_without_a_question(name: str, tmp_path: Path) -> None:
    blocks = list(BLOCK.finditer(RECIPES[name]))
    assert blocks[-1].group("language") == "bash", "a recipe ends with the commands that show it"
    assert RECIPES[name][blocks[-1].end() :].strip() == ""
    copy = Copy(tmp_path)
    for block in blocks:
        # a list item's own indentation is no part of the code
        code = "".join(line.removeprefix("   ") for line in block.group("code").splitlines(keepends=True))
        copy.follow(" ".join(block.group("words").split()), code)
    assert len((tmp_path / "__main__.py").read_text().splitlines()) < LONGEST_PROGRAM, "make lint would refuse it"
