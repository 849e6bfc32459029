"""A stack whose engine or machine restarts, or whose disk is full: on an engine of the tests' own."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from posture.model import Status
from testbed.deployment import Deployment, deployment, docker
from testbed.operations import Operations
from tests.integration.engines import SecondEngine, second_engine
from tests.integration.verdicts import report_of, with_status

ROOT = Path(__file__).parents[2]
PORT = 14670
STRANGER = "10.213.254.77"
"""An address that is on no list."""
ROLES = ("egress", "front", "gateway", "litellm")

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(900),
]  # images are copied, and the engine is waited for


# Debian's suites with newer engines (26.1 and 28.5), and how each keeps its images; `make test-engine` sets it.
NEWER = [("trixie", False), ("trixie", True), ("sid", False), ("sid", True)]
ENGINES = NEWER if os.environ.get("NEWER_ENGINES") else [("", False)]


@pytest.fixture(scope="module", params=ENGINES, ids=lambda one: "-".join([one[0] or "own", "containerd"][: 1 + one[1]]))
def engine(request: pytest.FixtureRequest) -> Iterator[SecondEngine]:
    suite, containerd = request.param
    with second_engine(suite, containerd=containerd) as made:
        yield made


@pytest.fixture(scope="module")
def stack(engine: SecondEngine) -> Iterator[Deployment]:
    """A production stack on that engine, from images that were built on this machine's own."""
    engine.load("debian:trixie-slim")  # make sees to it; an update looks into the login's volume with it
    images = {}
    for role in ROLES:
        printed = docker("build", "--quiet", str(ROOT / "images" / role)).splitlines()
        images[role] = engine.copy_image(next(line for line in printed if line.startswith("sha256:")), role)
    with deployment(
        "prod",
        port=PORT,
        hostname=engine.machine.address,
        bindAddresses=[engine.machine.address],  # where an update's last look finds it, too
        dockerHost=engine.url,
        verifyOnUpdate=False,  # it looks from this machine, on which nothing is bound
        allowedCidrs=[f"{engine.machine.machine}/32"],
        drainSeconds=5,
        litellmImage=images["litellm"],
        gatewayImage=images["gateway"],
        egressImage=images["egress"],
        frontImage=images["front"],
    ) as made:
        made.set_secret("anthropicApiKey", "sk-ant-of-the-tests")
        made.up()
        yield made


@pytest.fixture(scope="module")
def operations(stack: Deployment) -> Operations:
    return Operations(stack)


def status(stack: Deployment, key: str) -> int:
    return stack.call("/v1/models", key=key).status


def wait_for(key: str, stack: Deployment) -> None:
    """Waits until the stack accepts the key."""
    deadline = time.time() + 90
    while True:
        try:
            if status(stack, key) == 200:
                return
        except OSError:
            pass
        assert time.time() < deadline, "the stack did not come back"
        time.sleep(0.5)


def litellm_containers(engine: SecondEngine) -> list[str]:
    return engine.docker(
        "ps", "--all", "--format", "{{.Names}}", "--filter", "label=litellm-claude.role=litellm"
    ).split()


def states(engine: SecondEngine) -> dict[str, str]:
    """Each container's name and whether it runs."""
    lines = engine.docker("ps", "--all", "--format", "{{.Names}} {{.State}}").splitlines()
    return dict(sorted(line.split() for line in lines))


def admits_a_stranger(engine: SecondEngine, stack: Deployment) -> bool:
    engine.machine.run("ip", "address", "replace", f"{STRANGER}/32", "dev", "lo")
    asked = engine.machine.run("curl", "-sk", "--max-time", "5", "--interface", STRANGER, str(stack.output("url")))
    return asked.returncode == 0


def test_a_rotation_during_which_the_engine_restarts_is_undone_or_finished(
    engine: SecondEngine, stack: Deployment, operations: Operations
) -> None:
    old, settings = str(stack.output("master_key")), (stack.project / f"Pulumi.{stack.name}.yaml").read_text()
    there = litellm_containers(engine)
    rotation = operations.starting_rotation("--overlap", "1h")
    deadline = time.time() + 90
    while litellm_containers(engine) == there:
        assert time.time() < deadline
        time.sleep(0.2)
    engine.stop()
    engine.start()
    printed = operations.finish(rotation, status=None)  # one that can wait for the engine is done
    undone = "nothing changed" in printed
    assert rotation.returncode == 0 or undone or f"make up STACK={stack.name}" in printed
    assert ((stack.project / f"Pulumi.{stack.name}.yaml").read_text() == settings) is undone
    wait_for(old, stack)
    operations.up()
    assert status(stack, old) == 200
    assert len(litellm_containers(engine)) == 1
    assert (litellm_containers(engine) == there) is undone
    assert not stack.changes()
    if undone:
        operations.rotate("--overlap", "1h")
    stack.outputs = None
    new = str(stack.output("master_key"))
    assert new != old
    assert [status(stack, new), status(stack, old)] == [200, 200]
    assert len(litellm_containers(engine)) == 1


@pytest.mark.parametrize("fall", ["stop", "crash"])
def test_after_a_restart_of_engine_or_machine_all_comes_back_and_is_closed_until_then(
    engine: SecondEngine, stack: Deployment, fall: str
) -> None:
    key, before = str(stack.output("master_key")), states(engine)
    getattr(engine, fall)()
    with pytest.raises(OSError, match=r"refused|reset|timed out|No route"):
        stack.call("/v1/models", key=key)
    engine.start()
    deadline = time.monotonic() + 120
    seen: set[tuple[int, int]] = set()
    while (200, 401) not in seen:
        assert time.monotonic() < deadline, seen
        statuses = []
        for sent in (key, None):
            try:
                statuses.append(stack.call("/v1/models", key=sent).status)
            except OSError:
                statuses.append(0)
        seen.add((statuses[0], statuses[1]))
        time.sleep(0.3)
    assert {without for _, without in seen} <= {0, 401, 503}
    assert states(engine) == before == dict.fromkeys(before, "running")
    assert len(before) == len(ROLES)
    assert stack.changes() == {}
    assert not admits_a_stranger(engine, stack)


def test_an_engine_that_is_pruned_beside_a_running_stack_keeps_all_that_the_stack_needs(
    engine: SecondEngine, stack: Deployment, operations: Operations
) -> None:
    before = states(engine)
    engine.docker("system", "prune", "--all", "--volumes", "--force")
    assert states(engine) == before
    assert stack.changes() == {}
    operations.rotate("--emergency")
    key = str(stack.output("master_key"))
    assert status(stack, key) == 200
    assert states(engine).keys() != before.keys()


def flush_firewall(engine: SecondEngine) -> None:
    """As `flush ruleset` of nftables does when the machine's own rules are loaded again."""
    for table in ("nat", "filter"):
        assert engine.machine.run("iptables", "--table", table, "--flush").returncode == 0


def test_a_firewall_that_is_flushed_is_a_finding_and_without_allow_host_admits_nobody(
    engine: SecondEngine, stack: Deployment
) -> None:
    """Without the engine's rules docker-proxy takes what arrives, and all of it looks like this machine."""
    key = str(stack.output("master_key"))
    assert with_status(report_of(stack, "access.sources"), Status.PASS)
    flush_firewall(engine)
    assert with_status(report_of(stack, "access.sources"), Status.FAIL)
    stack.set(allowHost=False)
    stack.up()
    assert not admits_a_stranger(engine, stack)
    engine.stop()
    engine.start()
    wait_for(key, stack)
    assert not admits_a_stranger(engine, stack)
    assert with_status(report_of(stack, "access.sources"), Status.PASS)


def test_a_full_log_disk_stops_no_request(engine: SecondEngine, stack: Deployment) -> None:
    key = str(stack.output("master_key"))
    (gateway,) = [name for name in states(engine) if "-gateway-" in name]
    with engine.full_log_disk():
        assert [status(stack, key) for _ in range(100)] == [200] * 100
        assert states(engine) == dict.fromkeys(states(engine), "running")
    for _ in range(5):
        assert status(stack, key) == 200
    lines = engine.docker("logs", "--tail", "5", gateway).splitlines()
    assert ['"status": 200' in line or '"status":200' in line for line in lines] == [True] * 5
