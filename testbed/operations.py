"""What `make rotate`, `make retire` and `make up` run, in a test stack's copy of the project."""

import os
import subprocess
import sys

from testbed.deployment import ROOT, Deployment


class Operations:
    """Runs the commands behind make's targets on one stack; what they printed is kept in the stack's ``printed``."""

    def __init__(self, stack: Deployment) -> None:
        self.stack = stack
        (stack.project / ".venv").symlink_to(ROOT / ".venv")

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Starts a command as make does, in a process group of its own."""
        return subprocess.Popen(
            command,
            cwd=self.stack.project,
            env={**os.environ, **self.stack.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str], status: int | None = 0) -> str:
        """Returns what the command printed, once it has ended with ``status``; None is any."""
        printed, _ = process.communicate(timeout=280)
        self.stack.printed.append(printed)
        self.stack.outputs = None
        assert status is None or process.returncode == status, printed
        return printed

    def starting_rotation(self, *options: str) -> subprocess.Popen[str]:
        return self.start(sys.executable, "-m", "ops.rotate", self.stack.name, *options)

    def rotate(self, *options: str, status: int = 0) -> str:
        return self.finish(self.starting_rotation(*options), status)

    def retire(self, *, status: int = 0) -> str:
        return self.finish(self.start(sys.executable, "-m", "ops.retire", self.stack.name), status)

    def up(self, *, status: int = 0) -> str:
        return self.finish(self.start("ops/up.sh", self.stack.name), status)
