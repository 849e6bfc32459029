"""A working copy of the scripts alone, and commands that only pretend: no test builds or installs anything."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOLS = """
bash sh env dirname basename cat cut chmod cmp cp date find flock grep head id ln ls mkdir mv od paste rm sed seq
sha256sum sleep sort sync tail tee timeout touch tr true uname wc xargs python3 setsid mktemp umount
""".split()  # noqa: SIM905 - a list of 40 lines says no more


@dataclass
class Copy:
    """The scripts in a folder of their own, run with nothing on PATH but basic tools and what a test fakes."""

    root: Path
    bin: Path
    environment: dict[str, str] = field(default_factory=dict)

    def fake(self, name: str, body: str) -> None:
        """Puts a command on PATH, written in bash; each call is noted in `calls`."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>"{self.root}/calls"\n{body}\n')
        path.chmod(0o755)

    def calls(self) -> list[str]:
        """What was called of the fakes, in order."""
        notes = self.root / "calls"
        return notes.read_text().splitlines() if notes.exists() else []

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a script of setup/."""
        return self.started(str(self.root / "setup" / script), *arguments)

    def started(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in the copy's folder."""
        return subprocess.run(
            command, check=False, capture_output=True, text=True, env=self.environment, cwd=self.root, timeout=60
        )


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A fresh copy, with an empty home."""
    root, commands = tmp_path / "copy", tmp_path / "bin"
    commands.mkdir()
    (tmp_path / "home").mkdir()
    shutil.copytree(ROOT / "setup", root / "setup", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "toolchain" / "cli").mkdir(parents=True)
    shutil.copy(ROOT / "toolchain" / "cli" / "go.mod", root / "toolchain" / "cli")
    shutil.copy(ROOT / "requirements.in", root)
    for tool in TOOLS:
        if found := shutil.which(tool):
            (commands / tool).symlink_to(found)
    (root / "Pulumi.yaml").write_text("name: litellm-claude\n")
    for stack in ("dev", "prod"):
        (root / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    return Copy(root, commands, {"PATH": str(commands), "HOME": str(tmp_path / "home")})


@pytest.fixture
def exports(copy: Copy) -> Callable[..., dict[str, str]]:
    """The environment that env.sh prints for a stack, as a dictionary."""

    def read(stack: str) -> dict[str, str]:
        result = copy.run("env.sh", stack)
        assert result.returncode == 0, result.stderr
        lines = (line.removeprefix("export ").partition("=") for line in result.stdout.splitlines())
        return {name: value for name, _, value in lines}

    return read
