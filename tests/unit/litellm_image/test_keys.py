"""Which keys open the door, and until when."""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from claude_gateway.api.keys import Admission, Authenticator, Refusal
from claude_gateway.config.clients import Client, ClientKey
from claude_gateway.config.settings import MasterKey

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CURRENT, PREVIOUS = "sk-current-0123456789", "sk-previous-0123456789"


def authenticator(
    *, expires: datetime | None = None, now: datetime = NOW, previous: str | None = PREVIOUS
) -> Authenticator:
    old = MasterKey(SecretStr(previous), "2026-08-01", expires) if previous else None
    return Authenticator(MasterKey(SecretStr(CURRENT), "2026-11-24"), old, now=lambda: now, clock=lambda: 0.0)


def test_the_current_key_is_accepted() -> None:
    assert authenticator().check([CURRENT.encode()]) == Admission("2026-11-24")


def test_the_previous_key_is_accepted_during_the_overlap() -> None:
    assert authenticator(expires=NOW + timedelta(hours=1)).check([PREVIOUS.encode()]) == Admission("2026-08-01")


def test_the_previous_key_without_an_expiry_stays_accepted() -> None:
    assert authenticator().check([PREVIOUS.encode()]) == Admission("2026-08-01")


@pytest.mark.parametrize(
    ("seconds_left", "verdict"),
    [(1e-6, Admission("2026-08-01")), (0, Refusal.ROTATED), (-1e-6, Refusal.ROTATED), (-1e6, Refusal.ROTATED)],
)
def test_the_previous_key_is_refused_from_the_very_moment_of_its_expiry(
    seconds_left: float, verdict: Admission | Refusal
) -> None:
    door = authenticator(expires=NOW + timedelta(seconds=seconds_left))
    assert door.check([PREVIOUS.encode()]) == verdict
    assert door.check([CURRENT.encode()]) == Admission("2026-11-24")


@pytest.mark.parametrize(
    ("passed", "jumped", "accepted"),
    [(59, 0, True), (60, 0, False), (30, 30, False), (59, -3600, True), (60, -3600, False), (0, 3600, False)],
)
def test_a_clock_that_jumps_shortens_an_overlap_and_never_lengthens_it(
    passed: int, jumped: int, accepted: bool
) -> None:
    """Seconds that really passed of a minute's overlap, and by how many the wall clock was set forward meanwhile."""
    seconds, shift = 0, 0
    door = Authenticator(
        MasterKey(SecretStr(CURRENT), "new"),
        MasterKey(SecretStr(PREVIOUS), "old", NOW + timedelta(minutes=1)),
        now=lambda: NOW + timedelta(seconds=seconds + shift),
        clock=lambda: 1000.0 + seconds,
    )
    seconds, shift = passed, jumped
    assert door.check([PREVIOUS.encode()]) == (Admission("old") if accepted else Refusal.ROTATED)
    assert door.check([CURRENT.encode()]) == Admission("new")


def test_an_expired_key_is_told_that_it_was_rotated() -> None:
    verdict = authenticator(expires=NOW).check([PREVIOUS.encode()])
    assert isinstance(verdict, Refusal)
    assert "rotated" in verdict.value


def test_after_an_emergency_rotation_the_old_key_is_merely_wrong() -> None:
    assert authenticator(previous=None).check([PREVIOUS.encode()]) == Refusal.WRONG


def test_no_key_is_a_refusal_of_its_own() -> None:
    assert authenticator().check([]) == Refusal.MISSING


def test_one_right_credential_of_two_is_enough() -> None:
    assert authenticator().check([b"wrong", CURRENT.encode()]) == Admission("2026-11-24")


@given(st.binary(max_size=200))
def test_nothing_else_is_accepted_and_nothing_raises(presented: bytes) -> None:
    expected = {CURRENT.encode(), PREVIOUS.encode()}
    verdict = authenticator().check([presented])
    assert isinstance(verdict, Admission) == (presented in expected)


@given(st.integers(0, len(CURRENT) - 1), st.binary(min_size=1, max_size=1))
def test_one_wrong_byte_is_wrong(position: int, byte: bytes) -> None:
    raw = CURRENT.encode()
    changed = raw[:position] + byte + raw[position + 1 :]
    assert isinstance(authenticator().check([changed]), Admission) == (changed == raw)


@pytest.mark.parametrize("clients", [0, 500])
@pytest.mark.parametrize("presented", [CURRENT, PREVIOUS, "sk-wrong", CURRENT[:-1] + "x", ""])
def test_no_key_is_compared_but_the_digest_of_what_was_sent_is_looked_up_once(presented: str, clients: int) -> None:
    """However many keys there are and however near the guess, so that the time taken says nothing."""
    looked_up: list[bytes] = []

    class Counting(dict[bytes, Any]):
        def __contains__(self, digest: object) -> bool:
            looked_up.append(cast("bytes", digest))
            return super().__contains__(digest)

    others = [Client(f"c{number}", (ClientKey(digest_of(f"sk-{number}"), "initial"),)) for number in range(clients)]
    door = Authenticator(MasterKey(SecretStr(CURRENT), "new"), MasterKey(SecretStr(PREVIOUS), "old"), others)
    door._keys = Counting(door._keys)
    assert isinstance(door.check([presented.encode()]), Admission) == (presented in (CURRENT, PREVIOUS))
    assert looked_up == [digest_of(presented)]
    assert set(door._keys) == {digest_of(key) for key in (CURRENT, PREVIOUS, *(f"sk-{n}" for n in range(clients)))}


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def test_the_log_names_the_generation_once_a_minute_and_never_a_key(caplog: pytest.LogCaptureFixture) -> None:
    at = [0.0]
    door = Authenticator(
        MasterKey(SecretStr(CURRENT), "new"),
        MasterKey(SecretStr(PREVIOUS), "old"),
        now=lambda: NOW,
        clock=lambda: at[0],
    )
    with caplog.at_level(logging.INFO):
        for at[0] in (0.0, 1.0, 59.0, 60.0):
            door.check([CURRENT.encode()])
        door.check([PREVIOUS.encode()])
        door.check([b"sk-wrong-key"])
    assert [record.getMessage().split()[4] for record in caplog.records] == ["new", "new", "old"]
    assert "3 requests" in caplog.records[1].getMessage()
    assert not any(secret in caplog.text for secret in (CURRENT, PREVIOUS, "sk-wrong-key"))


def test_a_secret_does_not_show_itself() -> None:
    key = MasterKey(SecretStr(CURRENT), "2026-11-24")
    assert CURRENT not in f"{key} {key!r} {key.value} {key.value!r}"
