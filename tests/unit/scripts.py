"""A working copy of the scripts alone, and commands that only pretend: no test builds or installs anything."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = """
bash sh env dirname basename cat cut chmod cmp cp date find flock grep head id ln ls mkdir mv paste rm sed seq
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
        """Runs a script of setup/ or ops/."""
        (path,) = self.root.glob(f"*/{script}")
        return self.started(str(path), *arguments)

    def started(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in the copy's folder."""
        return subprocess.run(
            command, check=False, capture_output=True, text=True, env=self.environment, cwd=self.root, timeout=60
        )


def copied(folder: Path) -> Copy:
    """A fresh copy in ``folder``, with an empty home."""
    root, commands = folder / "copy", folder / "bin"
    commands.mkdir()
    (folder / "home").mkdir()
    shutil.copytree(ROOT / "setup", root / "setup", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "ops").mkdir()
    for script in (ROOT / "ops").glob("*.sh"):
        shutil.copy(script, root / "ops")
    (root / "toolchain" / "cli").mkdir(parents=True)
    shutil.copy(ROOT / "toolchain" / "cli" / "go.mod", root / "toolchain" / "cli")
    shutil.copy(ROOT / "requirements.in", root)
    (root / "rules").symlink_to(ROOT / "rules")
    for tool in TOOLS:
        if found := shutil.which(tool):
            (commands / tool).symlink_to(found)
    (root / "Pulumi.yaml").write_text("name: litellm-claude\n")
    for stack in ("dev", "prod"):
        (root / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    made = Copy(root, commands, {"PATH": str(commands), "HOME": str(folder / "home")})
    ready(made)
    return made


def ready(copy: Copy, python: str = "") -> None:
    """The stack's file is read, and nothing stops an update: what looks for it does this instead (in bash)."""
    path = copy.root / ".venv" / "bin" / "python"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'#!/bin/bash\n[[ "$*" != *setup.@(read_stack|environment)* ]] || exec "{sys.executable}" "$@"\n{python}\n'
    )
    path.chmod(0o755)


def salted_state(copy: Copy, stack: str, *resources: dict[str, str]) -> None:
    """A state with secrets, whose salt the stack's file need not have."""
    folder = copy.root / ".pulumi-state" / ".pulumi" / "stacks" / "litellm-claude"
    folder.mkdir(parents=True)
    state = {"secrets_providers": {"state": {"salt": "v1:abc"}}, "resources": list(resources)}
    (folder / f"{stack}.json").write_text(json.dumps({"checkpoint": {"latest": state}}))
