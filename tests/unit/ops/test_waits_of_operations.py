"""How long operations wait for what they have begun, and how often they say so."""

from components.part import LITELLM_START_SECONDS
from components.service import CONVERGE_SECONDS
from ops import convergence, cutover, engine, explain, handover, presence
from posture import ask


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


def test_pulumi_says_within_a_minute_why_it_does_not_finish() -> None:
    """Longer than a preview takes; the update before it has failed already, and somebody waits for the reason."""
    assert explain.SECONDS == 60
