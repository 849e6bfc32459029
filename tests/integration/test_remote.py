"""An engine reached over SSH or TLS: nothing of the operator's machine is mounted, and the checks go there, too."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.deployment import ROOT, Deployment, deployment
from testbed.operations import Operations
from testbed.terminal import on_a_terminal
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
    """All of them, as `make verify` makes them: loopback is this machine's, so that the port is reached, too."""
    command = ["-m", "posture", "--stack", stack.name, "--json"]
    environment = {**os.environ, **stack.environment, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, *command], cwd=stack.project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"status": "pass"') > 70


@pytest.fixture(scope="module")
def operations(stack: Deployment) -> Operations:
    return Operations(stack)


def test_make_looks_at_the_stacks_own_engine(stack: Deployment, operations: Operations) -> None:
    """With what it exports, docker's own client and the scripts see the containers, wherever DOCKER_HOST led before."""
    command = ("setup/in_env.sh", stack.name, "docker", "ps", "--format", "{{.Names}}")
    printed = operations.finish(operations.start("env", "DOCKER_HOST=tcp://192.0.2.1:1", *command))
    assert {stack.container(role) for role in ROLES} <= set(printed.split())
    assert "is up" not in operations.up()


def test_logs_usage_clients_and_backup_go_there(stack: Deployment, operations: Operations) -> None:
    """DOCKER_HOST of the shell leads nowhere, so that whatever asked another engine than the stack's would fail."""

    def run(*command: str) -> str:
        return operations.finish(operations.start("env", "DOCKER_HOST=tcp://192.0.2.1:1", *command))

    def operation(name: str, *arguments: str) -> str:
        return run("setup/in_env.sh", stack.name, ".venv/bin/python", "-m", f"ops.{name}", stack.name, *arguments)

    logged = operation("logs")
    assert all(f"==> {role} ({stack.container(role)}) <==" in logged for role in ROLES)
    assert "requests" in operation("usage")
    assert "declares no clients" in operation("clients")
    kept = stack.folder / "kept.backup"
    operation("backup", str(kept))
    assert stack.output("claude_auth_volume") in kept.read_text()


def test_a_login_over_ssh_has_a_terminal(stack: Deployment, operations: Operations) -> None:
    assert stack.project.joinpath(".venv").exists()
    environment = {**os.environ, **stack.environment, "DOCKER_HOST": "tcp://192.0.2.1:1"}
    command = ["setup/in_env.sh", stack.name, ".venv/bin/python", "-m", "ops.login", stack.name]
    assert "run 'make login" not in on_a_terminal(command, stack.project, environment, ("laude", None)).stdout


def test_the_first_contact_asks_for_the_hosts_key_as_ssh_does(tmp_path: Path) -> None:
    """On a terminal it can be answered; without one, nothing is trusted unseen."""
    (tmp_path / "ssh").mkdir()
    shutil.copytree(ROOT / "setup", tmp_path / "setup")
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    for what in ("rules", ".venv"):  # which reads the stack's file
        (tmp_path / what).symlink_to(ROOT / what)
    with ssh_server(tmp_path / "ssh", known=False) as (url, commands):
        (tmp_path / "Pulumi.far.yaml").write_text(f"config:\n  litellm-claude:dockerHost: {url}\n")
        environment = {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
        command = ["setup/engine.sh", "far"]
        unseen = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        assert unseen.returncode == 1
        assert "Host key verification failed" in unseen.stderr
        assert (tmp_path / "ssh" / "known").read_text() == ""
        assert on_a_terminal(command, tmp_path, environment, ("(yes/no", "yes")).returncode == 0
        assert "127.0.0.1" in (tmp_path / "ssh" / "known").read_text()
        known = subprocess.run(command, cwd=tmp_path, env=environment, start_new_session=True, check=False)
        assert known.returncode == 0


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


@pytest.mark.goes_on_from("test_the_same_stack_is_updated_over_tls")
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
