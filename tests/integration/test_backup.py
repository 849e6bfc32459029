"""A stack that is lost with its machine comes back from its backup: with the same keys, authority and login."""

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from testbed.deployment import PASSPHRASE, Deployment, deployment, docker
from testbed.operations import Operations
from tests.integration.empty_machine import EMPTY, find, lose

PORT = 14775
LOGIN = "of-the-login-4711"
CLIENT_KEYS = "client_keys"
KEPT = ("master_key", CLIENT_KEYS, "ca_certificate", "key_created", "claude_auth_volume")
"""Outputs that must be the same afterwards."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Deployment]:
    """A production stack with a client, somebody logged in, and usage that is kept."""
    with deployment("prod", port=PORT, drainSeconds=1, usageDays=7) as made:
        made.set(**{"clients.alice.maxParallel": 4})
        made.up()
        write = f"mkdir -m 700 /home/app/.claude/kept && umask 077 && echo {LOGIN} >/home/app/.claude/kept/login"
        assert made.exec("litellm", "sh", "-c", write) == ""
        yield made


@pytest.fixture(scope="module")
def operations(stack: Deployment) -> Operations:
    return Operations(stack)


@pytest.fixture(scope="module")
def backup(operations: Operations) -> Path:
    """The file that `make backup` writes."""
    path = operations.stack.folder / "kept.backup"
    command = (".venv/bin/python", "-m", "ops.backup", operations.stack.name, str(path))
    printed = operations.finish(operations.start(*command))
    assert f"make restore STACK={operations.stack.name} FILE={path}" in printed
    again = operations.finish(operations.start(*command), status=1)
    assert "is there already" in again
    return path


ELSEWHERE = "unix:///run/docker.sock"
"""The same engine by another name, so that it is another one as far as settings and state go."""


def restore(operations: Operations, backup: Path, *environment: str, engine: str = "", status: int = 0) -> str:
    command = ("env", *environment, "ops/restore.sh", operations.stack.name, str(backup), engine)
    return operations.finish(operations.start(*command), status)


def test_only_its_owner_reads_a_backup_and_no_secret_stands_in_it(stack: Deployment, backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    text = backup.read_text()
    keys = (stack.output("master_key"), *stack.output(CLIENT_KEYS).values())
    assert all(len(key) > 40 for key in keys)
    for secret in (*keys, LOGIN, PASSPHRASE, "PRIVATE KEY"):
        assert secret not in text
    assert json.loads(text)["volumes"] == [stack.output("claude_auth_volume")]


def test_a_stack_that_is_there_is_not_overwritten(operations: Operations, backup: Path) -> None:
    assert "overwrites nothing" in restore(operations, backup, status=1)


def test_it_comes_back_on_an_empty_machine(stack: Deployment, operations: Operations, backup: Path) -> None:
    """Last: the stack is another one after it, of the same name."""
    before = {name: stack.output(name) for name in KEPT}
    file = f"Pulumi.{stack.name}.yaml"
    settings = (stack.project / file).read_text()
    lose(stack)
    assert docker("volume", "ls", "--quiet", "--filter", f"name={stack.name}-claude-auth") == ""

    wrong = restore(operations, backup, "PULUMI_CONFIG_PASSPHRASE=of-somebody-else", status=1)
    assert "another passphrase" in wrong
    absent = restore(
        operations, backup, "-u", "PULUMI_CONFIG_PASSPHRASE", "-u", "PULUMI_CONFIG_PASSPHRASE_FILE", status=1
    )
    assert "is missing" in absent
    assert list(stack.state.rglob(f"{stack.name}.json")) == []
    assert (stack.project / file).read_text() == EMPTY

    printed = restore(operations, backup, engine=ELSEWHERE)
    assert f"{file}.before-restore" in printed
    moved = yaml.safe_load(settings)
    moved["config"]["litellm-claude:dockerHost"] = ELSEWHERE
    assert yaml.safe_load((stack.project / file).read_text()) == moved
    listed = docker(
        "run", "--rm", "--network=none", f"--volume={before['claude_auth_volume']}:/v:ro", "debian:trixie-slim",
        "find", "/v", "-path", "*/kept*", "-printf", "%m %U:%G %P\n",
    )  # fmt: skip
    assert sorted(listed.splitlines()) == ["600 10001:10001 kept/login", "700 10001:10001 kept"]
    operations.up()
    find(stack)
    assert {name: stack.output(name) for name in KEPT} == before
    assert stack.exec("litellm", "cat", "/home/app/.claude/kept/login") == LOGIN
    assert stack.call("/v1/models").status == 200
    preview = operations.finish(operations.start("ops/preview.sh", stack.name))
    assert "unchanged" in preview
    assert not re.search(r"[0-9]+ to (create|update|delete|replace)", preview)
