"""What breaks on a running stack repairs itself, and stays closed meanwhile."""

import os
import signal
import time

import pytest

from posture.model import Status
from posture.run import verify
from testbed.deployment import Deployment

pytestmark = pytest.mark.faults


@pytest.fixture
def stack(plain: Deployment) -> Deployment:
    return plain


def status(stack: Deployment, key: str | None = "") -> int:
    try:
        return stack.call("/v1/models", key=key).status
    except OSError:
        return 0


@pytest.mark.parametrize("role", ["litellm", "gateway", "front", "egress"])
def test_a_killed_container_comes_back_by_itself(stack: Deployment, role: str) -> None:
    before = stack.inspect(role)["State"]
    # The process itself: what `docker kill` ends counts as stopped by hand, and stays down.
    os.kill(before["Pid"], signal.SIGKILL)
    deadline = time.monotonic() + 90
    states = set()
    while time.monotonic() < deadline:
        assert status(stack, key=None) in (0, 401, 502, 503)
        states.add(status(stack))
        now = stack.inspect(role)["State"]
        if now["Pid"] not in (0, before["Pid"]) and now["Health"]["Status"] == "healthy" and status(stack) == 200:
            break
        time.sleep(0.5)
    assert stack.inspect(role)["RestartCount"] >= 1
    assert status(stack) == 200
    assert states <= {0, 200, 502, 503}
    report = verify(
        stack.name, stack.project, {**os.environ, **stack.environment}, only=["access", "network", "drift", "key"]
    )
    assert {f.check.id: f.evidence for f in report.findings if f.status is Status.FAIL} == {}
