"""The check inside ``pulumi up``: an update that leaves an insecure stack fails, until it is fixed."""

import re
from pathlib import Path

import pytest
from pulumi import automation

from testbed.deployment import Deployment

HARDENED = "read_only=True"
WEAK = 'read_only=part.role != "litellm"'


@pytest.fixture
def stack(plain: Deployment) -> Deployment:
    return plain


def printed_by(stack: Deployment, action: str) -> str:
    stack.printed.clear()
    getattr(stack, action)()
    return "\n".join(stack.printed)


def edit(stack: Deployment, old: str, new: str) -> None:
    """Changes how every container is made: as an operator who edits the program would."""
    path = Path(stack.project) / "components" / "container.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def refused(stack: Deployment) -> str:
    with pytest.raises(automation.CommandError) as error:
        stack.up()
    return str(error.value)


def test_a_new_stack_was_checked(stack: Deployment) -> None:
    found = re.search(r"posture: (\d+) checks of the running stack in \d+\.\d s", "\n".join(stack.printed))
    assert found
    assert int(found[1]) > 30


@pytest.mark.parametrize("action", ["up", "changes"])
def test_nothing_is_checked_when_nothing_changes_or_in_a_preview(stack: Deployment, action: str) -> None:
    if action == "changes":
        stack.set(litellmMemoryMib=4096)
    assert "posture:" not in printed_by(stack, action)
    stack.set(litellmMemoryMib=3072)


def test_a_change_is_checked(stack: Deployment) -> None:
    stack.set(litellmMemoryMib=4096)
    assert "posture:" in printed_by(stack, "up")


def test_three_updates_in_a_row_never_lose_the_good_container(stack: Deployment) -> None:
    """The second is of the same program as the first, so that it changes nothing: it is refused nevertheless."""
    (good,) = stack.there("litellm")
    edit(stack, HARDENED, WEAK)
    for attempt in (1, 2):
        said = refused(stack)
        stack.outputs = None
        assert "cis.5.13" in said, attempt
        assert "Fix: " in said
        assert stack.output("master_key") not in said
        assert stack.container("litellm") == good, "the outputs name what was refused"
        assert good in stack.there("litellm"), f"the good container was deleted by update {attempt}"
        assert stack.call("/v1/models").status == 200
    edit(stack, WEAK, HARDENED)
    stack.up()
    (new,) = stack.there("litellm")
    assert new != good
    assert stack.container("litellm") == new
    assert stack.inspect("litellm")["HostConfig"]["ReadonlyRootfs"] is True
    assert stack.changes() == {}


def test_the_check_can_be_turned_off(stack: Deployment) -> None:
    stack.set(verifyOnUpdate=False, litellmMemoryMib=3584)
    assert "posture:" not in printed_by(stack, "up")
    stack.set(verifyOnUpdate=None)
    assert "posture:" in printed_by(stack, "up")
