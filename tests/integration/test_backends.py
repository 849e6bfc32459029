"""A stack moves to another backend, passphrase or key service, and nothing of it changes: keys stay."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.deployment import PASSPHRASE, ROOT, Deployment
from testbed.fakes.key_service import KEY, key_service
from tests.integration.new_project import Project
from tests.integration.s3 import s3_server

NEW = "another one, of the operator's"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with s3_server(Path(tmp_path_factory.mktemp("s3"))) as variables:
        yield variables


@pytest.fixture(scope="module")
def moved(plain: Deployment, s3: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A second copy of the project, whose state was moved to S3 as docs/backends.md says; the first one stays."""
    folder = Path(tmp_path_factory.mktemp("moved")) / "project"
    shutil.copytree(plain.project, folder, symlinks=True)
    if not (folder / ".venv").exists():
        (folder / ".venv").symlink_to(ROOT / ".venv")
    environment = {name: value for name, value in os.environ.items() if name != "PULUMI_CONFIG_PASSPHRASE_FILE"}
    made = Project(folder, plain.name, {**environment, **plain.environment, **s3})
    exported = plain.pulumi("stack", "export", "--file", str(folder / "state.json"))
    assert exported.returncode == 0, exported.stderr
    made.run("pulumi", "stack", "init", plain.name)
    made.run("pulumi", "stack", "import", "--file", "state.json", "--stack", plain.name)
    return made


def outputs(project: Project) -> dict[str, object]:
    shown: dict[str, object] = json.loads(
        project.run("pulumi", "stack", "output", "--json", "--show-secrets", "--stack", project.stack)
    )
    return shown


def test_a_state_that_moved_to_s3_has_the_same_keys_and_shows_no_change(plain: Deployment, moved: Project) -> None:
    there = outputs(moved)
    assert there["master_key"] == plain.output("master_key")
    assert there["ca_certificate"] == plain.output("ca_certificate")
    moved.run("pulumi", "preview", "--expect-no-changes", "--stack", moved.stack)


def test_make_takes_the_backend_that_the_operator_has_set(moved: Project) -> None:
    url = moved.run("setup/in_env.sh", moved.stack, "printenv", "PULUMI_BACKEND_URL").strip()
    assert url.startswith("s3://states?")
    printed = moved.run("ops/preview.sh", moved.stack)
    assert "unchanged" in printed


def test_another_passphrase_leaves_the_keys_as_they_are(plain: Deployment, moved: Project) -> None:
    command = ["pulumi", "stack", "change-secrets-provider", "passphrase", "--stack", moved.stack, "--non-interactive"]
    changed = subprocess.run(
        command, input=NEW, cwd=moved.folder, env=moved.environment, capture_output=True, text=True, check=False
    )
    assert changed.returncode == 0, changed.stderr
    with_new = moved._replace(environment={**moved.environment, "PULUMI_CONFIG_PASSPHRASE": NEW})
    assert outputs(with_new)["master_key"] == plain.output("master_key")
    with_new.run("pulumi", "preview", "--expect-no-changes", "--stack", moved.stack)
    assert moved.environment["PULUMI_CONFIG_PASSPHRASE"] == PASSPHRASE
    refused = subprocess.run(
        ["pulumi", "stack", "output", "--show-secrets", "--stack", moved.stack, "--non-interactive"],
        cwd=moved.folder,
        env=moved.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode != 0
    assert "incorrect passphrase" in refused.stderr


def test_a_key_service_takes_the_passphrases_place_and_make_asks_for_none(plain: Deployment, moved: Project) -> None:
    """Last: the stack's own passphrase opens this copy no more."""
    without = {name: value for name, value in moved.environment.items() if name != "PULUMI_CONFIG_PASSPHRASE"}
    with key_service() as service:
        before = moved._replace(environment={**without, **service, "PULUMI_CONFIG_PASSPHRASE": NEW})
        change = ("pulumi", "stack", "change-secrets-provider", KEY, "--stack", moved.stack, "--non-interactive")
        before.run(*change)
        after = moved._replace(environment={**without, **service})
        assert outputs(after)["master_key"] == plain.output("master_key")
        assert "unchanged" in after.run("ops/preview.sh", moved.stack)
        assert "PASSPHRASE" not in after.run("setup/env.sh", moved.stack)
        assert list(moved.folder.glob(f".pulumi-passphrase-{moved.stack}")) == []
