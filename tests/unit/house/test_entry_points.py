"""What the shell entry points have in common: a variable that is not set is taken from the file of its name."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from components.service import CONFIGS
from tests.unit.house.test_habits import ROOT

SCRIPTS = [ROOT / "images" / role / f"{role}-entrypoint" for role in ("gateway", "egress", "valkey")]
RULE = re.compile(
    r"^# A variable that is not set is taken from the file of its name.*?^done\n", re.MULTILINE | re.DOTALL
)


def rule() -> str:
    found: set[str] = {RULE.findall(script.read_text())[0] for script in SCRIPTS}
    assert len(found) == 1
    return found.pop()


def shown(folder: Path, name: str, **environment: str) -> str:
    """What the variable is after the rule, with the files of ``folder``, in brackets; ``-`` when it is not set."""
    shell = shutil.which("dash") or "sh"
    script = f"set -eu\n{rule().replace('/run/', f'{folder}/')}\nprintf '[%s]' \"${{{name}--}}\""
    return subprocess.run([shell, "-c", script], env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "configs").mkdir()
    return tmp_path


def test_all_have_the_same_rule_and_it_knows_where_the_program_puts_files() -> None:
    assert "/run/secrets/" in rule()
    assert f"{CONFIGS}/" in rule()


@pytest.mark.parametrize("folder", ["secrets", "configs"])
def test_a_file_is_a_variable(run: Path, folder: str) -> None:
    (run / folder / "TLS_KEY").write_text("-----BEGIN\n  two  lines\n-----END\n")
    assert shown(run, "TLS_KEY") == "[-----BEGIN\n  two  lines\n-----END]"
    assert shown(run, "TLS_KEY", TLS_KEY="given") == "[given]"
    assert shown(run, "TLS_KEY", TLS_KEY="") == "[]"


def test_what_a_file_holds_is_not_run(run: Path) -> None:
    (run / "secrets" / "KEY").write_text("$(touch pwned) `id` \"; exit 3; '")
    assert shown(run, "KEY") == "[$(touch pwned) `id` \"; exit 3; ']"


@pytest.mark.parametrize("name", ["rhsm", "With.Dot", "A-B", "A;exit 3"])
def test_what_is_no_variable_is_left_alone(run: Path, name: str) -> None:
    (run / "secrets" / name).write_text("x")
    assert shown(run, "A") == "[-]"


def test_without_files_nothing_happens(tmp_path: Path) -> None:
    assert shown(tmp_path, "A") == "[-]"
