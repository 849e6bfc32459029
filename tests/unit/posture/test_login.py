"""Who can read the login, and what else holds its volume."""

import hashlib

import pytest

from posture.running import Running
from tests.unit.posture.conftest import KEY, Make
from tests.unit.posture.test_checks import changed, status
from tests.unit.posture.test_looks import Told
from tests.unit.posture.test_outcomes import outcome

MODES = [0o000, *(1 << bit for bit in range(9))]


@pytest.mark.parametrize("mode", MODES, ids=oct)
def test_every_bit_for_group_and_others_is_one_too_many(make: Make, mode: int) -> None:
    """chmod(1): the six lower bits are the group's and the others'."""
    found = {"uid": 10001, "gid": 10001, "mode": mode}
    expected = "fail" if mode & 0o070 or mode & 0o007 else "pass"
    context = make(inside=changed(volume=found, login=found))
    assert (status(context, "login.volume-mode"), status(context, "login.file-mode")) == (expected, expected)


def test_another_owner_is_named(make: Make) -> None:
    """images/litellm/Dockerfile: the user app is 10001."""
    found = {"uid": 10000, "gid": 10001, "mode": 0o700}
    context = make(inside=changed(volume=found, login=found))
    assert outcome(context, "login.volume-mode") == ("fail", "in litellm its owner is 10000, not 10001")
    assert outcome(context, "login.file-mode") == ("fail", "in litellm its owner is 10000, not 10001")


def test_where_nothing_can_be_looked_at_it_is_said(make: Make) -> None:
    context = make(inside=changed(volume={"error": "PermissionError"}, login=None))
    assert outcome(context, "login.volume-mode") == ("fail", "/home/app/.claude: PermissionError")
    assert outcome(context, "login.file-mode") == ("not-applicable", "there is no login in the volume")
    seen = context.running
    context.running = Running(seen.containers, seen.networks, seen.images, None, seen.engine)
    assert outcome(context, "login.volume") == ("fail", "the volume volume does not exist")


def test_whoever_else_mounts_the_volume_is_named(make: Make) -> None:
    context = make()
    context.engine = Told({"volume=volume": "id-litellm litellm\n"})
    assert outcome(context, "login.volume-shared") == ("pass", "LiteLLM alone")
    context.engine = Told({"volume=volume": "id-litellm litellm\nid-x thief\n"})
    assert outcome(context, "login.volume-shared") == ("fail", "thief mounts volume too")


def test_a_login_that_is_the_master_key_is_found_by_its_digest(make: Make) -> None:
    digests = {"uid": 10001, "mode": 0o600, "digests": [hashlib.sha256(KEY.encode()).hexdigest()]}
    assert status(make(inside=changed(login=digests)), "login.separate") == "fail"
    assert status(make(inside=changed(login={**digests, "digests": ["0"]})), "login.separate") == "pass"
