"""Each target of the Makefile sets up what it needs: a fresh clone has neither Python packages nor anything else."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.house.test_habits import ROOT, tracked

PYTHON = re.compile(r'\.venv/bin/|\$\(PYTHON\)|"\$python" -m|\bpython_says\b')
RULE = re.compile(r"^([a-z0-9-]+):(?!=)(.*?)(?:##.*|;.*)?\n((?:\t.*\n)*)", re.MULTILINE)
TARGETS = {
    name: (set(re.findall(r"[a-z-]+", needed)), recipe)
    for name, needed, recipe in RULE.findall((ROOT / "Makefile").read_text())
    if recipe or name == "setup"
}
SCRIPTS = {str(path.relative_to(ROOT)): path.read_text() for path in tracked("*.sh") if path.name != "python.sh"}


def needs(name: str) -> set[str]:
    """What comes before a target, at any distance."""
    direct = TARGETS.get(name, (set(), ""))[0]
    return direct.union(*map(needs, direct))


def test_a_target_that_runs_the_projects_python_sets_it_up() -> None:
    """`make sbom` did not: a release begins with it, in a clone of its own."""
    running = {}
    for name, (_, recipe) in TARGETS.items():
        texts = [recipe, *(SCRIPTS.get(script, "") for script in re.findall(r"\w+/[\w-]+\.sh", recipe))]
        running[name] = any(PYTHON.search(text) for text in texts)
    assert sum(running.values()) > 20
    assert [name for name, runs in running.items() if runs and not {"setup-python", "setup-dev"} & needs(name)] == []


@pytest.mark.parametrize("named", ["absolute", "from above", "from below"])
def test_make_from_another_folder_says_where_to_run_it(tmp_path: Path, named: str) -> None:
    """make's own functions end a name at its first blank: the sentence named a folder above the right one."""
    copy = tmp_path / "my copy"
    (copy / "setup").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", copy)
    file, folder = {
        "absolute": (copy / "Makefile", tmp_path),
        "from above": (Path("my copy/Makefile"), tmp_path),
        "from below": (Path("../Makefile"), copy / "setup"),
    }[named]
    done = subprocess.run(["make", "-f", file, "up"], cwd=folder, capture_output=True, text=True, check=False)
    found = re.search(r"run make in the folder of the Makefile: (make -C .*)\.  Stop\.", done.stderr)
    assert found, done.stderr
    make, option, there, target = shlex.split(found[1])
    assert (make, option, (folder / there).resolve(), target) == ("make", "-C", copy.resolve(), "up")


def test_the_list_of_targets_does_not_mind_blanks_in_a_folders_name(tmp_path: Path) -> None:
    copy = tmp_path / "my copy"
    (copy / "setup").mkdir(parents=True)
    (copy / "setup" / "lib.sh").touch()
    shutil.copy(ROOT / "Makefile", copy)
    done = subprocess.run(
        ["make", "-f", copy / "Makefile"], cwd=copy, capture_output=True, text=True, check=True, timeout=60
    )
    assert "make help " in done.stdout
    assert "sed: " not in done.stderr, "the targets, which are no files"
