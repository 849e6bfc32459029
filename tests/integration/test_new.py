"""A project made by `pulumi new` from this working copy, brought up by plain `pulumi`: no make, no terminal."""

import os
import secrets
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.integration.deployment import PASSPHRASE, ROOT, docker

PORT = 14761
OF_MAKE = ("PULUMI_", "BUILDX_", "PYTHONPATH", "VIRTUAL_ENV")
"""How the names of the variables begin that `make` sets, or that would hide that one is missing."""
CANNOT_INSTALL = "method InstallDependencies not implemented"
"""What the Python host says that is built from toolchain/; Pulumi's own makes the environment."""


class Project(NamedTuple):
    """A folder with a stack, and what somebody has set who uses it."""

    folder: Path
    stack: str
    environment: dict[str, str]

    def run(self, *command: str, status: int = 0) -> str:
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
            timeout=600,
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


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Made by `pulumi new`, and not up yet."""
    folder = Path(tmp_path_factory.mktemp("new"))
    template = clone(folder / "template")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OF_MAKE)}
    (folder / "state").mkdir()
    environment |= {
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    if "PULUMI_HOME" in os.environ:  # where the plugins are
        environment["PULUMI_HOME"] = os.environ["PULUMI_HOME"]
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


def test_the_answers_are_the_settings_of_a_stack(project: Project) -> None:
    written = yaml.safe_load((project.folder / f"Pulumi.{project.stack}.yaml").read_text())
    assert written["config"] == {
        "litellm-claude:environment": "development",
        "litellm-claude:hostname": "localhost",
        "litellm-claude:port": str(PORT),
        "litellm-claude:allowHost": "true",
    }
    made = yaml.safe_load((project.folder / "Pulumi.yaml").read_text())
    assert made["name"] == "litellm-claude"
    assert "template" not in made


def test_plain_pulumi_brings_it_up(project: Project) -> None:
    printed = project.run("pulumi", "up", "--yes", "--skip-preview", "--stack", project.stack)
    assert "\x1b[" not in printed
    request = urllib.request.Request(f"{project.output('url')}/v1/models")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 401
    request.add_header("authorization", f"Bearer {project.output('master_key')}")
    with urllib.request.urlopen(request, timeout=30, context=ssl.create_default_context()) as answer:
        assert answer.status == 200


def test_a_second_look_shows_no_change(project: Project) -> None:
    project.run("pulumi", "preview", "--expect-no-changes", "--stack", project.stack)


def test_what_looks_after_a_stack_works_there_too(project: Project) -> None:
    printed = project.run(".venv/bin/python", "-m", "posture", "--stack", project.stack, "--only", "key")
    assert f"{project.stack}: secure" in printed
