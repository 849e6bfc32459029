"""What is undone after a failed update, and what is left alone."""

from typing import Any

import pytest

from ops.state import role_of
from tests.unit.ops.reconcile_bed import (
    BACKEND,
    FAILED,
    GATEWAY,
    LITELLM,
    LOGIN,
    OLD,
    PASSWORD,
    URN,
    Bed,
    container,
    labelled,
)


@pytest.fixture
def bed(monkeypatch: pytest.MonkeyPatch) -> Bed:
    return Bed(monkeypatch)


def test_a_healthy_stack_is_left_alone(bed: Bed) -> None:
    bed.reconcile(BACKEND, container("good"), after_failure=True)
    assert bed.saved is None
    assert not bed.engine.removed


def test_a_stack_without_containers_is_left_alone(bed: Bed) -> None:
    bed.reconcile(BACKEND)
    assert bed.saved is None


def test_a_failed_replacement_goes_and_what_serves_is_in_force_again(bed: Bed) -> None:
    bed.engine.serving = {"old"}
    bed.reconcile(BACKEND, container("new", **FAILED), container("old", **OLD))
    assert bed.saved is not None
    assert [(r["id"], r.get("delete")) for r in bed.saved] == [("network-1", None), ("old", None)]
    assert bed.engine.removed == {"new": 0}


@pytest.mark.parametrize(("name", "role"), [("litellm", "litellm"), ("litellm-2", "litellm"), ("acme", "acme")])
def test_a_replica_plays_the_role_without_its_number(name: str, role: str) -> None:
    assert role_of(container("one", URN.format("LiteLLM", "container:Container", name))) == role


def test_a_replica_that_failed_takes_the_one_before_it_back(bed: Bed) -> None:
    """Both of the old ones serve on together; one of two with another key would be neither."""
    bed.engine.serving = {"old", "old-2"}
    second = LITELLM + "-2"
    bed.reconcile(
        BACKEND,
        container("new"),
        container("new-2", second, needs=LITELLM, **FAILED),
        container("old", **OLD),
        container("old-2", second, needs=LITELLM, **OLD),
        after_failure=True,
    )
    assert bed.saved is not None
    assert [(r["id"], r.get("delete")) for r in bed.saved[1:]] == [("old", None), ("old-2", None)]
    assert bed.engine.removed == {"new": 608, "new-2": 0}


def test_what_the_old_container_needs_stands_before_it_in_the_state(bed: Bed) -> None:
    bed.engine.serving = {"old"}
    key = {"urn": PASSWORD.format("old"), "type": "random:index/randomPassword:RandomPassword", "id": "none"}
    bed.reconcile(BACKEND, container("new", **FAILED), key, container("old", needs=key["urn"], **OLD))
    assert bed.saved is not None
    assert [r["id"] for r in bed.saved] == ["network-1", "none", "old"]


def test_of_several_old_containers_the_newest_that_serves_is_taken(bed: Bed) -> None:
    bed.engine.serving = {"older", "old"}
    older = container("older", delete=True, created="2026-11-24T11:00:00Z")
    bed.reconcile(BACKEND, container("new", **FAILED), older, container("old", **OLD))
    assert bed.saved is not None
    assert [(r["id"], r.get("delete")) for r in bed.saved[1:]] == [("old", None), ("older", True)]


def test_a_failed_container_without_a_predecessor_is_made_anew_and_nothing_that_needs_it_is_cut_off(bed: Bed) -> None:
    gateway = container("gateway", GATEWAY, needs=LITELLM)
    bed.reconcile(BACKEND, container("new", **FAILED), gateway)
    assert bed.saved is not None
    assert [r["id"] for r in bed.saved] == ["network-1", "new", "gateway"], "pulumi itself forgets it"
    assert bed.engine.removed == {"new": 0}
    assert bed.refreshed == ["new"]


@pytest.mark.parametrize(
    ("entry", "command"),
    [
        ({"State": {"Status": "exited"}}, ("start", "good")),
        ({"State": {"Status": "created"}}, ("start", "good")),
        ({"State": {"Status": "paused"}}, ("unpause", "good")),
        ({"Name": "/by-hand"}, ("rename", "good", "name-of-good")),
        (
            {"NetworkSettings": {"Networks": {}}},
            ("network", "connect", "--alias", "litellm", "backend", "good"),
        ),
    ],
)
def test_what_was_changed_by_hand_is_undone_without_a_new_container(
    bed: Bed, entry: dict[str, Any], command: tuple[str, ...]
) -> None:
    bed.engine.changed = {"good": entry}
    bed.reconcile(BACKEND, container("good"))
    assert bed.engine.commands == [command]
    assert not bed.engine.removed
    assert not bed.refreshed


def test_a_container_that_cannot_be_started_again_is_made_anew(bed: Bed) -> None:
    bed.engine.changed = {"good": {"State": {"Status": "exited"}}}
    bed.engine.refused = {"start"}
    bed.reconcile(BACKEND, container("good"))
    assert bed.engine.removed == {"good": 0}
    assert bed.refreshed == ["good"]


def test_a_stack_that_is_taken_down_is_not_started_first(bed: Bed) -> None:
    bed.engine.changed = {"good": {"State": {"Status": "exited"}}}
    bed.engine.gone = {"network-1"}
    bed.engine.labelled = [labelled("stray", "network-1")]
    bed.reconcile(BACKEND, container("good"), before_down=True)
    assert not bed.engine.commands
    assert not bed.refreshed
    assert bed.engine.removed == {"stray": 608}, "it would hold the networks"


@pytest.mark.parametrize("lost", ["good", "network-1", "login"])
def test_what_was_removed_by_hand_is_made_anew(bed: Bed, lost: str) -> None:
    bed.engine.gone = {lost}
    bed.reconcile(BACKEND, LOGIN, container("good"))
    assert bed.refreshed == [lost]
    assert not bed.engine.removed


def test_a_login_is_never_made_anew_in_silence(bed: Bed, capsys: pytest.CaptureFixture[str]) -> None:
    bed.engine.gone = {"login"}
    bed.reconcile(BACKEND, LOGIN, container("good"))
    assert "make login STACK=prod" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("role", "sentence"),
    [("usage", "What it kept of the usage is lost"), ("acme", "A new certificate is asked for")],
)
def test_what_is_lost_with_a_volume_is_said(
    bed: Bed, capsys: pytest.CaptureFixture[str], role: str, sentence: str
) -> None:
    lost = {**LOGIN, "urn": f"urn::litellm-claude-prod-{role}", "id": role, "inputs": {"name": role}}
    bed.engine.gone = {role}
    bed.reconcile(BACKEND, lost, container("good"))
    said = capsys.readouterr().err
    assert f"the volume {role} is gone from the engine: it is made anew. {sentence}\n" in said
    assert "make login" not in said


def test_a_stack_as_it_should_be_costs_no_refresh(bed: Bed) -> None:
    bed.reconcile(BACKEND, LOGIN, container("good"))
    assert not bed.engine.commands
    assert not bed.refreshed


def test_a_healthy_replacement_that_the_update_refused_is_drained_and_undone(bed: Bed) -> None:
    bed.engine.serving = {"old", "new"}
    bed.reconcile(BACKEND, container("new"), container("old", **OLD), after_failure=True)
    assert bed.saved is not None
    assert [r["id"] for r in bed.saved] == ["network-1", "old"]
    assert bed.engine.removed == {"new": 608}


@pytest.mark.parametrize("after_failure", [True, False])
def test_a_switch_that_was_made_is_not_undone(bed: Bed, after_failure: bool) -> None:
    bed.engine.serving = {"new"}  # the old one drains
    bed.reconcile(BACKEND, container("new"), container("old", **OLD), after_failure=after_failure)
    assert bed.saved is None


def test_a_healthy_replacement_is_kept_when_no_update_has_failed(bed: Bed) -> None:
    bed.engine.serving = {"old", "new"}
    bed.reconcile(BACKEND, container("new"), container("old", **OLD))
    assert bed.saved is None


@pytest.mark.parametrize("failed", [FAILED, {}])
def test_the_end_of_the_log_of_what_failed_is_shown_and_not_that_of_what_was_refused(
    bed: Bed, capsys: pytest.CaptureFixture[str], failed: dict[str, Any]
) -> None:
    bed.engine.serving = {"old"}
    bed.reconcile(BACKEND, container("new", **failed), container("old", **OLD), after_failure=True)
    assert ("the end of its log" in capsys.readouterr().err) is bool(failed)
    assert list(bed.engine.removed) == ["new"]


EGRESS = URN.format("Egress", "container:Container", "egress")
PAIRS = (
    container("new-egress", EGRESS),
    container("new-litellm", needs=EGRESS),
    container("old-egress", EGRESS, **OLD),
    container("old-litellm", needs=EGRESS, **OLD),
)


def test_what_was_replaced_together_comes_back_together_and_goes_in_reverse(bed: Bed) -> None:
    bed.engine.serving = {"old-egress", "old-litellm"}
    bed.reconcile(BACKEND, *PAIRS, after_failure=True)
    assert {r["id"] for r in bed.saved or []} == {"network-1", "old-egress", "old-litellm"}
    assert list(bed.engine.removed) == ["new-litellm", "new-egress"], "its answers go through the proxy"


def test_when_one_of_the_old_ones_drains_all_of_the_new_ones_stay(bed: Bed) -> None:
    """An interruption in the drain: the old egress proxy still serves, but new LiteLLM names the new one."""
    bed.engine.serving = {"old-egress"}
    bed.reconcile(BACKEND, *PAIRS, after_failure=True)
    assert bed.saved is None
    assert not bed.engine.removed
