"""What a rotation changes in the configuration, and when it is refused."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from ops.commands import OperationError
from ops.key_rotation import Change, Keys, duration, next_generation, rotation

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(hours=24)
GENERATED = Keys(production=True, configured=False)
CONFIGURED = Keys(production=True, configured=True)
ROTATED = replace(
    GENERATED, generation="2026-11-24", previous_generation="initial", previous_expires=NOW + timedelta(hours=1)
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("30m", timedelta(minutes=30)), ("24h", DAY), ("7d", timedelta(days=7)), ("5s", timedelta(0, 5))],
)
def test_an_overlap_is_a_number_and_a_unit(text: str, meant: timedelta) -> None:
    assert duration(text) == meant


@pytest.mark.parametrize("text", ["", "24", "h", "0h", "-1h", "1.5h", "1w", "1h30m"])
def test_any_other_overlap_is_refused(text: str) -> None:
    with pytest.raises(OperationError, match="such as 30m, 24h or 7d"):
        duration(text)


@pytest.mark.parametrize("text", ["3651d", "999999d", "87601h"])
@pytest.mark.parametrize("name", ["OVERLAP", "SINCE"])
def test_ten_years_are_the_longest(text: str, name: str) -> None:
    """An old key for centuries would be one that never ends; further back than the calendar there is no log."""
    assert duration("3650d", name) == timedelta(days=3650)
    with pytest.raises(OperationError, match=f"{name} is '{text}', and at most 3650d"):
        duration(text, name)


@pytest.mark.parametrize(
    ("known", "following"),
    [
        ((None, None), "2026-11-24"),
        (("2026-11-01", "initial"), "2026-11-24"),
        (("2026-11-24", None), "2026-11-24.2"),
        (("2026-11-24.2", "2026-11-24"), "2026-11-24.3"),
        (("2026-11-24.9", "2026-11-24.10"), "2026-11-24.11"),
        (("2026-12-01", None), "2026-11-24"),
    ],
)
def test_generations_of_one_day_are_numbered(known: tuple[str | None, ...], following: str) -> None:
    assert next_generation(TODAY, *known) == following


def test_a_hundredth_rotation_in_a_day_waits_for_tomorrow() -> None:
    with pytest.raises(OperationError, match="tomorrow"):
        next_generation(TODAY, "2026-11-24.99")
    assert next_generation(date(2026, 11, 25), "2026-11-24.99") == "2026-11-25"


def test_the_first_rotation_keeps_the_key_before_it_for_the_overlap() -> None:
    change = rotation(GENERATED, DAY, NOW, "prod")
    assert change.values == {
        "keyRotation": "2026-11-24",
        "previousKeyRotation": "initial",
        "previousKeyExpires": "2026-11-25T12:00:00Z",
    }
    assert not change.secrets
    assert change.removed == ("previousMasterKey",)


def test_a_second_rotation_within_the_overlap_is_refused_and_told_how_to_go_on() -> None:
    with pytest.raises(OperationError) as refusal:
        rotation(ROTATED, DAY, NOW, "prod")
    for words in ("until 2026-11-24T13:00:00Z", "make retire STACK=prod", "make rotate STACK=prod EMERGENCY=1"):
        assert words in str(refusal.value)


def test_a_rotation_after_the_overlap_replaces_the_expired_key() -> None:
    change = rotation(ROTATED, DAY, NOW + timedelta(hours=1), "prod")
    assert change.values["keyRotation"] == "2026-11-24.2"
    assert change.values["previousKeyRotation"] == "2026-11-24"


def test_an_emergency_keeps_no_previous_key_even_within_an_overlap() -> None:
    change = rotation(ROTATED, None, NOW, "prod")
    assert change.values == {"keyRotation": "2026-11-24.2"}
    assert set(change.removed) == {"previousMasterKey", "previousKeyRotation", "previousKeyExpires"}


def test_a_configured_key_moves_and_a_new_one_takes_its_place() -> None:
    change = rotation(CONFIGURED, DAY, NOW, "prod")
    assert change.copied == {"previousMasterKey": "masterKey"}
    assert re.fullmatch("sk-[0-9a-f]{64}", change.secrets["masterKey"])
    assert change.removed == ("previousKeyRotation",)


def test_a_configured_keys_own_generation_is_kept_as_its_name() -> None:
    change = rotation(replace(CONFIGURED, generation="2026-10-01"), DAY, NOW, "prod")
    assert change.values["previousKeyRotation"] == "2026-10-01"


def test_an_emergency_with_a_configured_key_forgets_the_old_one() -> None:
    change = rotation(CONFIGURED, None, NOW, "prod")
    assert not change.copied
    assert "previousMasterKey" in change.removed


def test_the_development_key_is_followed_by_a_generated_one() -> None:
    change = rotation(Keys(production=False, configured=False), DAY, NOW, "dev")
    assert change.secrets == {"previousMasterKey": "sk-development-only"}
    assert "previousKeyRotation" in change.removed


def test_no_change_shows_a_key() -> None:
    change = rotation(CONFIGURED, DAY, NOW, "prod")
    assert change.secrets["masterKey"] not in repr(change)


def test_a_key_that_is_set_is_not_in_what_python_says_of_the_change() -> None:
    assert "sk-new" not in repr(Change(secrets={"masterKey": "sk-new"}))
