"""`make bundle` that is told to end, or whose terminal hangs up: half a gigabyte is not left behind."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.hosts import ROOT

ENDED = """
import os, sys
from pathlib import Path
from setup import bundle_make

def end(*_):
    os.kill(os.getpid(), int(sys.argv[2]))
    raise bundle_make.BundleError("it went on")

bundle_make.ROOT, bundle_make.run, bundle_make.images = Path(sys.argv[3]), lambda *_: "amd64", end
bundle_make.main()
"""


def ended(how: signal.Signals, folder: Path, before: str = "") -> tuple[int, str]:
    """Status and errors of one that gets a signal while it packs images."""
    command = [sys.executable, "-c", before + ENDED, str(folder / "all.bundle"), str(int(how)), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_is_half_made_goes(how: signal.Signals, tmp_path: Path) -> None:
    assert ended(how, tmp_path) == (128 + how, "")
    assert [*tmp_path.rglob("*")] == [tmp_path / ".toolchain"]


def test_one_that_was_started_with_nohup_goes_on(tmp_path: Path) -> None:
    nohup = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    assert ended(signal.SIGHUP, tmp_path, nohup) == (1, "error: it went on\n")
