"""The engine restarts in the middle of a rotation: on an engine of the test's own."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.deployment import Deployment, deployment, docker
from tests.integration.engines import SecondEngine, second_engine
from tests.integration.operations import Operations

ROOT = Path(__file__).parents[2]
PORT = 14670

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]  # images are copied, and the engine is waited for


@pytest.fixture(scope="module")
def engine() -> Iterator[SecondEngine]:
    with second_engine(7) as made:
        yield made


@pytest.fixture(scope="module")
def stack(engine: SecondEngine) -> Iterator[Deployment]:
    """A production stack on that engine, from images that were built on this machine's own."""
    images = {}
    for role in ("litellm", "gateway", "egress"):
        printed = docker("build", "--quiet", str(ROOT / "images" / role)).splitlines()
        images[role] = next(line for line in printed if line.startswith("sha256:"))
        engine.copy_image(images[role])
    with deployment(
        "prod",
        port=PORT,
        hostname=engine.machine.address,
        dockerHost=engine.url,
        verifyOnUpdate=False,  # it looks from this machine, on which nothing is bound
        allowedCidrs=[f"{engine.machine.machine}/32"],
        drainSeconds=5,
        litellmImage=images["litellm"],
        gatewayImage=images["gateway"],
        egressImage=images["egress"],
    ) as made:
        made.set_secret("anthropicApiKey", "sk-ant-of-the-tests")
        made.up()
        yield made


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


def test_a_rotation_during_which_the_engine_restarts_is_undone_and_can_be_repeated(
    engine: SecondEngine, stack: Deployment
) -> None:
    operations = Operations(stack)
    old, settings = str(stack.output("master_key")), (stack.project / f"Pulumi.{stack.name}.yaml").read_text()
    there = litellm_containers(engine)
    rotation = operations.starting_rotation("--overlap", "1h")
    deadline = time.time() + 90
    while litellm_containers(engine) == there:
        assert time.time() < deadline
        time.sleep(0.2)
    engine.stop()
    engine.start()
    printed = operations.finish(rotation, status=1)
    assert "nothing was rotated" in printed
    assert (stack.project / f"Pulumi.{stack.name}.yaml").read_text() == settings
    wait_for(old, stack)
    operations.up()
    assert status(stack, old) == 200
    assert litellm_containers(engine) == there
    assert not stack.changes()
    operations.rotate("--overlap", "1h")
    stack.outputs = None
    new = str(stack.output("master_key"))
    assert new != old
    assert [status(stack, new), status(stack, old)] == [200, 200]
    assert len(litellm_containers(engine)) == 1
