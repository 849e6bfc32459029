"""Each target of the Makefile sets up what it needs: a fresh clone has neither Python packages nor anything else."""

import re

from tests.unit.house.test_habits import ROOT, tracked

PYTHON = re.compile(r'\.venv/bin/|\$\(PYTHON\)|"\$python" -m')
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
