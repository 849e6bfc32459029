"""Updates that are killed, that meet another one, or that find their state damaged: the next one converges."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from testbed.deployment import Deployment, deployment, docker
from testbed.hosts import Internet
from testbed.operations import Operations

pytestmark = pytest.mark.faults
PORT = 14761
ROLES = ("litellm", "gateway", "front", "egress")
KEY = "LITELLM_MASTER_KEY"


@pytest.fixture(scope="module")
def stack(net: Internet) -> Iterator[Deployment]:
    """A production stack that is not up yet."""
    with deployment("prod", port=PORT, drainSeconds=5, **net.settings) as made:
        yield made


@pytest.fixture(scope="module")
def operations(stack: Deployment) -> Operations:
    return Operations(stack)


def environment(stack: Deployment, role: str = "litellm") -> dict[str, str]:
    """The environment of the stack's one container of a role."""
    (name,) = stack.there(role)
    lines = docker("inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}", name).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def killed_when(operations: Operations, moment: Callable[[], bool]) -> None:
    """Starts an update and kills it, pulumi and plugins too, at ``moment``."""
    update = operations.start("ops/up.sh", operations.stack.name)
    deadline = time.monotonic() + 120
    while not moment():
        assert update.poll() is None, update.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(update.pid, signal.SIGKILL)
    update.communicate()


def test_five_killed_updates_lose_and_double_nothing(stack: Deployment, operations: Operations) -> None:
    killed_when(operations, lambda: bool(stack.there("backend", "network")))
    keys = []
    for role in ("egress", "litellm", "gateway", "front"):
        killed_when(operations, lambda role=role: bool(stack.there(role)))  # type: ignore[misc]
        keys += [environment(stack)[KEY]] if role != "egress" else []
    operations.up()
    volume, before = stack.output("claude_auth_volume"), stack.there("litellm")
    docker("exec", *before, "sh", "-c", "echo kept > /home/app/.claude/marker")
    stack.set(drainSeconds=6)
    killed_when(operations, lambda: len(stack.there("litellm")) == 2)
    assert stack.call("/v1/models").status == 200
    operations.up()
    assert [len(stack.there(role)) for role in ROLES] == [1, 1, 1, 1]
    assert [len(stack.there(role, "network")) for role in ("edge", "door", "backend", "egress")] == [1, 1, 1, 1]
    assert stack.there("litellm") != before
    assert {*keys, environment(stack)[KEY]} == {stack.output("master_key")}
    assert stack.output("claude_auth_volume") == volume
    assert stack.exec("litellm", "cat", "/home/app/.claude/marker") == "kept"
    assert stack.call("/v1/models").status == 200
    assert stack.changes() == {}


@pytest.mark.goes_on_from("test_five_killed_updates_lose_and_double_nothing")
def test_of_two_updates_at_once_one_is_refused_clearly(stack: Deployment, operations: Operations) -> None:
    stack.set(drainSeconds=7)
    both: list[Any] = [operations.start("ops/up.sh", stack.name) for _ in range(2)]
    printed = [update.communicate(timeout=280)[0] for update in both]
    statuses = [update.returncode for update in both]
    assert sorted(statuses) == [0, 1], printed
    said = printed[statuses.index(1)]
    assert "another update of the stack" in said or "the stack is currently locked" in said
    assert "Traceback" not in said
    assert [len(stack.there(role)) for role in ROLES] == [1, 1, 1, 1]
    assert stack.call("/v1/models").status == 200
    assert stack.changes() == {}


@pytest.mark.goes_on_from("test_five_killed_updates_lose_and_double_nothing")
def test_a_truncated_state_stops_before_anything_and_its_backup_is_good(
    stack: Deployment, operations: Operations
) -> None:
    (path,) = (stack.state / ".pulumi").glob(f"stacks/*/{stack.name}.json")
    whole, before = path.read_text(), [stack.there(role) for role in ROLES]
    assert stack.call("/v1/models").status == 200
    outputs = stack.outputs
    path.write_text(whole[: len(whole) // 2])
    said = operations.up(status=1)
    assert "is damaged" in said
    assert "Nothing was changed" in said
    assert "Traceback" not in said
    assert [stack.there(role) for role in ROLES] == before
    stack.outputs = outputs  # nobody can ask for them now
    assert stack.call("/v1/models").status == 200
    command = said.rpartition("try again: ")[2].splitlines()[0]
    operations.finish(operations.start("sh", "-c", command))
    path.with_name(f"{path.name}.attrs").write_text("")  # as a kill between two writes leaves it
    assert "failed to load checkpoint" in stack.pulumi("stack", "output").stderr
    assert "dropping" in operations.up()
    assert [stack.there(role) for role in ROLES] == before
    assert stack.changes() == {}
