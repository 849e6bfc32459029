"""A project made by `pulumi new` from this working copy, in the environment of somebody who has not used make."""

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from testbed.deployment import PASSPHRASE, ROOT, docker

PORT = 14765
OF_MAKE = ("PULUMI_", "BUILDX_", "PYTHONPATH", "VIRTUAL_ENV")
"""How the names of the variables begin that `make` sets, or that would hide that one is missing."""
CANNOT_INSTALL = "method InstallDependencies not implemented"
"""What the Python host says that is built from toolchain/; Pulumi's own makes the environment."""


class Project(NamedTuple):
    """A folder with a stack, and what somebody has set who uses it."""

    folder: Path
    stack: str
    environment: dict[str, str]

    def run(self, *command: str, status: int = 0, seconds: int = 600) -> str:
        """Returns what the command printed; there is no terminal, and nobody who answers."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def output(self, name: str) -> str:
        return self.run("pulumi", "stack", "output", name, "--show-secrets", "--stack", self.stack).strip()


def clone(target: Path) -> Path:
    """What a URL would give: the files that git knows or would know, and nothing of what is made beside them."""
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0"):
        if name and (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    return target


def newcomer(folder: Path) -> dict[str, str]:
    """Returns the environment of somebody who has not used make, with a backend in ``folder``."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OF_MAKE)}
    (folder / "state").mkdir()
    environment |= {
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    if "PULUMI_HOME" in os.environ:  # where the plugins are
        environment["PULUMI_HOME"] = os.environ["PULUMI_HOME"]
    return environment


@contextlib.contextmanager
def new_project(folder: Path) -> Iterator[Project]:
    """Made by `pulumi new`, and not up yet; taken down at the end."""
    template, environment = clone(folder / "template"), newcomer(folder)
    (folder / "gateway").mkdir()
    made = Project(folder / "gateway", f"t{secrets.token_hex(3)}", environment)
    answers = ("--yes", "--stack", made.stack, "--config", f"port={PORT}")
    done = subprocess.run(
        ["pulumi", "new", str(template), *answers],
        cwd=made.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or CANNOT_INSTALL in done.stdout + done.stderr, done.stdout + done.stderr
    if not (made.folder / ".venv").exists():
        (made.folder / ".venv").symlink_to(ROOT / ".venv")
    yield made
    made.run("pulumi", "destroy", "--yes", "--stack", made.stack)
    docker("volume", "rm", "--force", f"litellm-claude-{made.stack}-claude-auth", check=False)
