"""The check inside an update, as far as the declaration goes; tests/integration/test_hook.py runs it."""

from typing import Any

import pytest

from tests.unit.components.conftest import Deploy
from tests.unit.components.test_swarm import ANSWERS, CREDENTIAL, SETTINGS

VERIFICATION = "litellm-claude:components:Verification"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_check_stands_before_the_record_of_what_runs(deploy: Deploy, stack: str) -> None:
    (gate,) = deploy(stack).of(VERIFICATION)
    # after_* hooks fail open: what was created is recorded, and the next update does not ask again
    assert list(gate.request.hooks.before_create) == list(gate.request.hooks.before_update) == ["posture"]
    assert not gate.request.hooks.after_create


def test_the_check_depends_on_what_the_engine_changes_in_place(deploy: Deploy) -> None:
    (before,) = deploy("prod").of(VERIFICATION)
    (after,) = deploy("prod", litellmMemoryMib=4096).of(VERIFICATION)
    assert before.inputs["gateway"] == after.inputs["gateway"]
    assert before.inputs["litellm"] != after.inputs["litellm"]
    assert before.inputs["litellm"][0] == "litellm-claude-prod-litellm-id"


def test_the_check_waits_for_all_containers_and_holds_no_secret(deploy: Deploy) -> None:
    (gate,) = deploy("prod").of(VERIFICATION)
    assert {urn.rsplit("-", 1)[1] for urn in gate.request.dependencies} == {"egress", "litellm", "gateway", "front"}
    assert gate.secret is False


def test_it_can_be_turned_off(deploy: Deploy) -> None:
    assert deploy("prod", verifyOnUpdate="false").of(VERIFICATION) == []


@pytest.mark.parametrize(
    ("settings", "gate"),
    [({}, "verification"), ({"verifyOnUpdate": "false"}, "litellm-claude-prod-front"), (SETTINGS, "convergence")],
)
def test_what_a_stack_tells_of_itself_waits_for_the_end_of_the_update(
    deploy: Deploy, settings: dict[str, Any], gate: str
) -> None:
    """One that is refused leaves the outputs of the one before: the key that is in force."""
    waits = deploy("prod", secrets=CREDENTIAL, answers=ANSWERS, **settings).waits
    assert len(waits) > 10
    assert all(gate in names for names in waits.values())
