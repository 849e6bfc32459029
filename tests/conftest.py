"""How the tests are spread over workers (pytest-xdist), and what holds for all of them."""

from pathlib import PurePath
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

# Modules of tests/integration that share a stack (tests/integration/conftest.py); any other has its own.
STACKS = {
    "prod": ("test_flood", "test_prod", "test_secrets", "test_upkeep"),
    "plain": ("test_authority", "test_backends", "test_faults", "test_hook", "test_posture", "test_tampering"),
    "project": ("test_new", "test_workflow"),
    "engines": ("test_interrupted", "test_engine_faults"),  # not a stack, but too much at once for two processors
}
# The ways to deploy, and what else takes long: `make test-long`, which is not part of `make test`.
TEST_LONG = (
    "test_acme", "test_acme_cases", "test_acme_dns", "test_arm64", "test_authority", "test_backends", "test_backup",
    "test_client_keys", "test_gateway_acme", "test_gateway_replicas", "test_hook", "test_interrupted",
    "test_monitoring", "test_new", "test_remote", "test_replicas", "test_workflow",
)  # fmt: skip
# Share containers in tests/conformance; the others there share a stack.
LITELLM_ALONE = ("test_client_table", "test_clients", "test_keys", "test_modes", "test_parity", "test_siege")
# The long ones first, so that no worker begins one when the others are done; those that wait beside those that compute.
LONG = ("test_rotation", "conformance", "plain", "prod", "gateway", "test_remote", "test_dev", "alone")
OF_MODULE = {module: stack for stack, modules in STACKS.items() for module in modules}

# A time limit an example says more about what else the machine does than about the code.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


def group(test: str) -> str:
    """What a test shares with others: they run on one worker, in order."""
    path = PurePath(test.partition("::")[0])
    if "integration" in path.parts:
        return OF_MODULE.get(path.stem, path.stem)
    if "gateway" in path.parts:
        return "egress" if path.stem == "test_egress" else "gateway"  # their networks and containers have fixed names
    if "conformance" in path.parts:
        return "alone" if path.stem in LITELLM_ALONE else "conformance"
    return str(path)


@pytest.hookimpl(tryfirst=True)  # before those are left out that -m does not choose
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the long ones and those that are not measured, and sorts groups; the tests of one keep their order."""
    for item in items:
        if item.path.stem in TEST_LONG:
            item.add_marker(pytest.mark.long)
        if "litellm_image" in item.path.parts:
            item.add_marker(pytest.mark.no_cover)  # coverage asks nothing of what it runs
    rank = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(group(item.nodeid), len(rank)))


@pytest.hookimpl(tryfirst=True)  # before a stack is made for it
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuses a test that goes on from others of its module when those do not run before it."""
    before = item.session.items[: item.session.items.index(item)]
    there = {one.originalname for one in before if isinstance(one, pytest.Function) and one.parent is item.parent}
    wanted = [name for mark in item.iter_markers("goes_on_from") for name in mark.args]
    if missing := [name for name in wanted if name not in there]:
        path = item.path.relative_to(item.config.rootpath)
        pytest.fail(f"goes on from {' and '.join(missing)}: choose that too, or run all of {path}", pytrace=False)


class Groups(LoadScopeScheduling):
    """Hands out whole groups. Why not by --dist loadgroup, says ARCHITECTURE.md under "Tried and dropped"."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    """Called by pytest-xdist, for a scheduler of the project's own."""
    return Groups(config, log)
