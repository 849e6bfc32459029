"""Containers of a stack that its state does not know: which are removed, and which are somebody else's."""

import pytest

from ops.commands import OperationError
from tests.unit.ops.reconcile_bed import BACKEND, FAILED, OLD, Bed, container, labelled


@pytest.fixture
def bed(monkeypatch: pytest.MonkeyPatch) -> Bed:
    return Bed(monkeypatch)


def test_a_container_that_the_state_does_not_know_is_removed(bed: Bed) -> None:
    bed.engine.labelled = [labelled("good", "network-1"), labelled("stray", "network-1")]
    bed.reconcile(BACKEND, container("good"))
    assert bed.engine.removed == {"stray": 608}, "it may be answering requests, and gets the time to end them"


def test_a_container_that_was_never_started_is_removed(bed: Bed) -> None:
    bed.engine.labelled = [labelled("stray", "backend", "created")]  # it has no network's id yet, but the name
    bed.reconcile(BACKEND, container("good"))
    assert bed.engine.removed == {"stray": 0}


@pytest.mark.parametrize("status", ["running", "created"])
def test_another_working_copys_stack_of_the_same_name_is_left_alone(bed: Bed, status: str) -> None:
    bed.engine.labelled = [labelled("theirs", "network-of-theirs", status)]
    bed.reconcile(BACKEND, container("good"))
    assert not bed.engine.removed


def test_nothing_is_touched_while_another_update_holds_the_stack(bed: Bed) -> None:
    bed.engine.serving, bed.locked = {"old"}, True
    bed.engine.labelled = [labelled("stray", "network-1")]
    with pytest.raises(OperationError, match="locked"):
        bed.reconcile(BACKEND, container("new", **FAILED), container("old", **OLD))
    assert not bed.engine.removed
