"""How long operations wait for what they have begun, and how often they say so."""

import pytest

from components.part import LITELLM_START_SECONDS
from components.service import CONVERGE_SECONDS
from ops import convergence, cutover, engine, explain, handover, presence, volumes
from posture import ask
from rules.docker import EngineError
from tests.unit.conftest import Program


def test_a_hook_waits_for_services_as_long_as_the_provider_does_or_longer() -> None:
    """The provider gives each task its start; a hook half of that more, because tasks follow one after the other."""
    assert convergence.SECONDS == CONVERGE_SECONDS
    assert convergence.START_SECONDS == LITELLM_START_SECONDS * 1.5


def test_one_that_starts_gets_half_as_long_again_as_the_last_act_of_an_update_waits() -> None:
    """After a restart of the engine all of them start at once."""
    assert engine.START_SECONDS == ask.SECONDS * 1.5


def test_who_waits_says_so_four_times_a_minute() -> None:
    assert handover.SAY_SECONDS == cutover.SAY_SECONDS == 60 / 4


def test_one_that_hangs_is_killed_after_two_seconds() -> None:
    """It answers nothing any more, so that nothing is lost."""
    assert presence.RESTART_SECONDS == 2


def test_what_does_not_end_is_killed_after_its_time_and_five_seconds() -> None:
    """As the containers' own `destroyGraceSeconds` has it (components/litellm.py)."""
    assert handover.KILL_SECONDS == 5


def test_an_engine_that_hangs_is_given_up_after_five_minutes_and_one_that_stops_a_container_later(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make up` waited for ever. What is stopped has its own time (docker stop --time), and a volume its size."""
    assert engine.Engine.seconds == 5 * 60
    assert volumes.SECONDS == 60 * 60
    monkeypatch.setattr(engine.Engine, "seconds", 0.2)
    program("docker", "exec sleep 1")
    with pytest.raises(EngineError, match="docker ps did not finish"):
        engine.Engine().containers("litellm-claude-prod")
    program("docker", '[ "$3" != stop ] || exec sleep 1')
    engine.Engine().remove("abc", grace_seconds=60)


def test_pulumi_says_within_a_minute_why_it_does_not_finish() -> None:
    """Longer than a preview takes; the update before it has failed already, and somebody waits for the reason."""
    assert explain.SECONDS == 60
