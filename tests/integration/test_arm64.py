"""The locks serve arm64 as well, and nothing that builds names a processor. It needs the package index, no engine."""

import re
import subprocess

from testbed.deployment import ROOT

PROCESSOR = re.compile(r"amd64|x86[_-]64|aarch64|arm64", re.IGNORECASE)


def test_every_locked_package_has_a_wheel_for_arm64() -> None:
    done = subprocess.run([ROOT / "setup" / "arm64.sh"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5


def test_what_builds_names_no_processor() -> None:
    """The CLI's binary is in its package's wheel, of which pip takes the one for the machine; Go builds for it."""
    builders = [
        *(path for path in (ROOT / "images").rglob("*") if path.is_file() and path.suffix not in {".pyc", ".lock"}),
        *(ROOT / "toolchain").rglob("*.sh"),
        *(path for path in (ROOT / "setup").glob("*.sh") if path.name != "arm64.sh"),
    ]
    assert len(builders) > 50
    named = [str(path.relative_to(ROOT)) for path in builders if PROCESSOR.search(path.read_text(errors="replace"))]
    assert named == []
