"""A stack moves from one host to the swarm and back, as docs/scaling.md says."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from testbed import registry
from testbed.nodes import Node
from testbed.swarm import Swarm, encrypts, kernel
from tests.swarm.bed import Bed, one_stack, until
from tests.swarm.conftest import FIGURES
from tests.swarm.seen import shown, which_hold

pytestmark = [pytest.mark.swarm, pytest.mark.timeout(900)]

MOVED_PORT = 14793
LOGIN, TOKEN = "fake-access-of-the-host", "sk-ant-oat01-of-the-swarm-0123456789"
TOKENS = {"accessToken": LOGIN, "refreshToken": "fake-refresh", "scopes": ["user:inference"], "subscriptionType": "max"}
WRITE = "import os, sys; os.umask(0o077); open('/home/app/.claude/.credentials.json', 'w').write(sys.argv[1])"
CONTAINERS = ("ps", "--all", "--format", '{{.Names}} {{.Label "com.docker.swarm.service.id"}}', "--filter")
KEPT = ("master_key", "client_keys", "ca_certificate", "claude_auth_volume")
"""Outputs that no move changes."""


@pytest.fixture(scope="module")
def moved(nodes: Swarm, images: dict[str, str]) -> Iterator[Bed]:
    """A stack on the engine of one node, with a Claude login in its volume."""
    with one_stack(
        nodes,
        (2, 3),
        MOVED_PORT,
        FIGURES,
        claudeMaxConcurrency=2,
        claudeWarmProcesses=1,
        litellmMemoryMib=2048,
        drainSeconds=5,
        verifyOnUpdate=False,  # it asks at this machine's address, and the engine has another machine's network
        **{"clients.many.requestsPerMinute": 1_000_000},
        **images,
    ) as made:
        stack = made.stack
        stack.environment["PATH"] = f"{registry.programs()}:{os.environ['PATH']}"
        stack.up()
        login = json.dumps({"claudeAiOauth": {**TOKENS, "expiresAt": int((time.time() + 86_400) * 1000)}})
        nodes.first.docker("exec", stack.container("litellm"), "python3", "-c", WRITE, login)
        try:
            yield made
        finally:
            for process in re.findall(r"To end it: kill (\d+)", "\n".join(stack.printed)):
                os.kill(int(process), signal.SIGTERM)


@pytest.fixture(scope="module")
def kept(moved: Bed) -> dict[str, Any]:
    """What the stack was before it moved."""
    return {name: moved.stack.output(name) for name in KEPT}


def asked_with(bed: Bed, credential: str) -> int:
    """How many of the fake API's requests came with this Claude credential."""
    asked = [one for one in bed.swarm.net.requests() if one["path"].startswith("/v1/messages")]
    return sum(one["headers"].get("authorization") == f"Bearer {credential}" for one in asked)


def serves(bed: Bed, node: Node, key: str) -> None:
    """Waits until a key is served at a node."""
    until(lambda: bed.ask(node, key) == 200, 120)


def reached(bed: Bed) -> list[str]:
    """What an allowed client gets at each node."""
    return [bed.curl(bed.friend, node, "/healthz") for node in bed.swarm.nodes]


def test_on_one_host_it_serves_with_its_login(moved: Bed, kept: dict[str, Any]) -> None:
    serves(moved, moved.swarm.first, moved.key("many"))
    assert asked_with(moved, LOGIN) > 0
    assert all(kept.values())
    assert moved.services() == []
    assert reached(moved) == ["200", "000", "000"]


@pytest.mark.goes_on_from("test_on_one_host_it_serves_with_its_login")
def test_on_the_swarm_the_same_keys_count_and_a_token_serves(
    moved: Bed, kept: dict[str, Any], images: dict[str, str]
) -> None:
    first, second, third = moved.swarm.nodes
    for node in (first, second):
        first.docker("node", "update", "--label-add", "front=yes", node.name)
    first.docker("rm", "--force", moved.stack.container("front"))
    refreshed = moved.stack.pulumi("refresh", "--yes")
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    moved.stack.set(
        orchestrator="swarm",
        registry=f"http://{moved.swarm.tried}/llm",
        overlayEncryption=encrypts(kernel()),
        frontPlacement=["node.labels.front==yes"],
    )
    moved.stack.set_secret("claudeOauthToken", TOKEN)
    moved.build("egress", images["egressImage"])
    assert f"nobody answered at {moved.swarm.tried}" in moved.operations.up()
    assert moved.image("egress").startswith(f"{moved.swarm.tried}/llm/litellm-claude/egress@sha256:")
    assert moved.built("egress") == ["another"] * 3
    assert {name: moved.stack.output(name) for name in KEPT} == kept
    for node in (first, second):
        serves(moved, node, kept["client_keys"]["many"])
        assert moved.ask(node, kept["master_key"]) == 200
        assert moved.curl(moved.stranger, node, "/healthz") == "000"
    assert moved.curl(moved.friend, third, "/healthz") == "000", "no front was placed there"
    assert asked_with(moved, TOKEN) >= 4
    there = first.docker(*CONTAINERS, f"label=litellm-claude.stack=litellm-claude-{moved.stack.name}").splitlines()
    assert there
    assert [line for line in there if len(line.split()) == 1] == [], "no container of before is left"
    assert moved.stack.changes() == {}


@pytest.mark.goes_on_from("test_on_the_swarm_the_same_keys_count_and_a_token_serves")
def test_a_token_is_a_file_that_nothing_shows(moved: Bed) -> None:
    assert which_hold(shown(moved), {TOKEN, *moved.stack.output("client_keys").values()}) == []
    inside = [
        node.docker("exec", container, "stat", "--format", "%u %a", "/run/secrets/CLAUDE_CODE_OAUTH_TOKEN")
        for node in moved.swarm.nodes
        for container in node.docker("ps", "--quiet", "--filter", f"name={moved.service('litellm')}").split()
    ]
    assert inside == ["10001 400"]


@pytest.mark.goes_on_from("test_on_the_swarm_the_same_keys_count_and_a_token_serves")
def test_back_on_one_host_its_login_serves_again_with_the_same_keys(moved: Bed, kept: dict[str, Any]) -> None:
    first, before = moved.swarm.first, asked_with(moved, LOGIN)
    first.docker("service", "rm", moved.service("front"))
    refreshed = moved.stack.pulumi("refresh", "--yes")
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    moved.stack.set(orchestrator="docker", claudeOauthToken=None, frontPlacement=None)
    moved.stack.up()
    assert {name: moved.stack.output(name) for name in KEPT} == kept
    serves(moved, first, kept["client_keys"]["many"])
    assert asked_with(moved, LOGIN) > before
    assert moved.services() == []
    assert reached(moved) == ["200", "000", "000"]
    assert moved.stack.changes() == {}
