"""An engine reached over SSH or TLS: nothing of the operator's machine is mounted, and the checks go there, too."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.deployment import ROOT, Deployment, deployment
from tests.integration.operations import Operations
from tests.integration.remote import ssh_server, tls_engine

PORT = 14751
ROLES = ("litellm", "gateway", "front", "egress")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with tls_engine(Path(tmp_path_factory.mktemp("tls"))) as made:
        yield made


@pytest.fixture(scope="module")
def stack(tls: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A production stack that was made over SSH; what it is taken down over stays there until then."""
    with (
        ssh_server(Path(tmp_path_factory.mktemp("ssh"))) as (url, commands),
        deployment("prod", port=PORT, dockerHost=url, drainSeconds=5) as made,
    ):
        made.environment["PATH"] = f"{commands}{os.pathsep}{os.environ['PATH']}"
        made.up()
        yield made


def test_a_stack_is_made_over_ssh_and_answers(stack: Deployment) -> None:
    assert stack.call("/v1/models").status == 200
    assert stack.call("/v1/models", key=None).status == 401
    assert stack.changes() == {}


def test_nothing_of_the_operators_machine_is_mounted(stack: Deployment) -> None:
    mounts = [mount for role in ROLES for mount in stack.inspect(role)["Mounts"]]
    assert {mount["Type"] for mount in mounts} == {"volume"}
    binds = [bind for role in ROLES for bind in stack.inspect(role)["HostConfig"]["Binds"] or []]
    assert [bind for bind in binds if bind.startswith("/")] == []


def test_the_checks_go_over_ssh_too(stack: Deployment) -> None:
    only = [f"--only={topic}" for topic in ("cis", "drift", "key", "login")]
    command = ["-m", "posture", "--stack", stack.name, "--json", *only]
    environment = {**os.environ, **stack.environment, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, *command], cwd=stack.project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"status": "pass"') > 40


def test_make_looks_at_the_stacks_own_engine(stack: Deployment) -> None:
    """With what it exports, docker's own client and the scripts see the containers, wherever DOCKER_HOST led before."""
    operations = Operations(stack)
    command = ("setup/in_env.sh", stack.name, "docker", "ps", "--format", "{{.Names}}")
    printed = operations.finish(operations.start("env", "DOCKER_HOST=tcp://192.0.2.1:1", *command))
    assert {stack.container(role) for role in ROLES} <= set(printed.split())
    assert "is up" not in operations.up()


def test_the_same_stack_is_updated_over_tls(stack: Deployment, tls: tuple[str, str]) -> None:
    before = [stack.inspect(role)["Id"] for role in ROLES]
    url, certificates = tls
    stack.set(dockerHost=url, dockerCertPath=certificates, drainSeconds=6)
    stack.up()
    after = [stack.inspect(role)["Id"] for role in ROLES]
    # drainSeconds is LiteLLM's and the gateway's; what owns the port, and the way out, stay.
    same = {role: old == new for role, old, new in zip(ROLES, before, after, strict=True)}
    assert same == {"litellm": False, "gateway": False, "front": True, "egress": True}
    assert stack.call("/v1/models").status == 200
    assert stack.changes() == {}


def test_without_the_certificate_the_engine_is_not_reached(stack: Deployment, tmp_path: Path) -> None:
    """And what the stack has is not touched."""
    certificates = stack.stack.get_config("dockerCertPath").value
    stack.set(dockerCertPath=str(tmp_path), drainSeconds=7)
    refused = stack.pulumi("up", "--yes", "--skip-preview")
    stack.set(dockerCertPath=certificates, drainSeconds=6)
    assert refused.returncode != 0
    assert str(tmp_path) in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr
    assert stack.call("/v1/models").status == 200
    stack.up()  # else the state names the wrong directory, and the stack could not be taken down
    assert stack.changes() == {}
