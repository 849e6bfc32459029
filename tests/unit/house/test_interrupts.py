"""Ctrl-C at any moment of a program that `make` starts: it ends at once, and nobody reads a traceback."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rules.interrupts import INTERRUPTED
from tests.unit.house.test_habits import ROOT

STARTED = re.compile(r'(?:\$\(PYTHON\)|"\$python") -m ((?:ops|posture|setup)[\w.]*)')
SCRIPTS = [ROOT / "Makefile", *ROOT.glob("setup/*.sh"), *ROOT.glob("ops/*.sh")]
PROGRAMS = sorted({name for path in SCRIPTS for name in STARTED.findall(path.read_text())})
HANGS = """
import sys, time

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "{hung}":
            print("importing", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Finder())
"""


def started(program: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        # Whoever runs the tests in the background of a script has SIGINT ignored, and with it what is started here.
        ["env", "--default-signal=INT", sys.executable, "-m", program, "dev"],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_is_interrupted_while_it_is_imported_says_nothing(tmp_path: Path, name: str) -> None:
    hung = f"{name}.__main__" if name == "posture" else name
    (tmp_path / "sitecustomize.py").write_text(HANGS.format(hung=hung))
    with started(name, PYTHONPATH=str(tmp_path)) as program:
        assert program.stdout
        assert program.stdout.readline() == "importing\n"
        os.killpg(program.pid, signal.SIGINT)
        assert program.communicate(timeout=50) == ("", "")
    assert program.returncode == -signal.SIGINT


def test_an_operation_that_is_interrupted_may_put_back_what_it_has_begun(tmp_path: Path) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text("#!/bin/sh\nkill -INT 0\nsleep 60\n")  # the whole group, as Ctrl-C does
    pulumi.chmod(0o755)
    with started("ops.clients", PATH=f"{tmp_path}:{os.environ['PATH']}") as program:
        said = program.communicate(timeout=50)[1]
    assert (program.returncode, said) == (
        INTERRUPTED,
        "error: interrupted. What is half done, the next one completes\n",
    )
