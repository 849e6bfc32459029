"""What `make bundle` leaves behind: no half-made folder when it is told to end, and no images of earlier bundles."""

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from setup import bundle_make
from setup.bundle_file import BundleError
from testbed.hosts import ROOT
from tests.unit.conftest import Program

ENDED = """
import os, sys
from pathlib import Path
from setup import bundle_make
from setup.bundle_file import BundleError

def end(*_):
    os.kill(os.getpid(), int(sys.argv[2]))
    raise bundle_make.BundleError("it went on")

bundle_make.ROOT, bundle_make.run, bundle_make.images = Path(sys.argv[3]), lambda *_: "amd64", end
bundle_make.main()
"""


def ended(how: signal.Signals, folder: Path, heeded: str) -> tuple[int, str]:
    """Status and errors of one that gets a signal while it packs images, whatever whoever runs the tests ignores."""
    before = f"import signal; signal.signal({int(how)}, signal.{heeded})"
    command = [sys.executable, "-c", before + ENDED, str(folder / "all.bundle"), str(int(how)), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_is_half_made_goes(how: signal.Signals, tmp_path: Path) -> None:
    heeded = "default_int_handler" if how == signal.SIGINT else "SIG_DFL"  # as Python has them
    assert ended(how, tmp_path, heeded) == (128 + how, "")
    assert [*tmp_path.rglob("*")] == [tmp_path / ".toolchain"]


def test_one_that_was_started_with_nohup_goes_on(tmp_path: Path) -> None:
    assert ended(signal.SIGHUP, tmp_path, "SIG_IGN") == (1, "error: it went on\n")


def test_images_of_earlier_bundles_go_but_not_what_another_working_copy_is_packing_or_has_just_loaded(
    tmp_path: Path, program: Program
) -> None:
    removed = tmp_path / "removed"
    program(
        "docker",
        'case "$2 $*" in\n'
        "ls*) echo new before today ;;\n"
        "inspect*before) echo '\"2026-11-01T09:00:00.925362117Z\"' ;;\n"
        f"inspect*) echo '\"{datetime.now(UTC):%FT%TZ}\"' ;;\n"
        f'rm*) echo "$3" >>"{removed}" ;;\n'
        "esac",
    )
    bundle_make.forget(["new"])
    assert removed.read_text() == "before\n"


@pytest.mark.parametrize("name", ["absent/all.bundle", "file/all.bundle", "."])
def test_a_file_that_cannot_be_written_is_refused_before_images_are_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(bundle_make, "ROOT", tmp_path / "root")
    monkeypatch.setattr(bundle_make, "run", lambda *_: pytest.fail("docker was asked"))
    with pytest.raises(BundleError, match=r"cannot be written to .*: (No such file|Not a directory|Is a directory)"):
        bundle_make.make(tmp_path / name, "")
    assert [*tmp_path.iterdir()] == [tmp_path / "file"]
