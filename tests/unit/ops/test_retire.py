"""Retiring the previous key: what changes, and when there is nothing to do."""

from datetime import UTC, datetime

import pytest

from ops import retire
from ops.key_rotation import PREVIOUS, Change, Keys


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    made: list[Change] = []
    monkeypatch.setattr(retire, "update", lambda _stack, change: made.append(change))
    monkeypatch.setattr(retire, "report", lambda _stack, _client: "report")
    return made


def keys(monkeypatch: pytest.MonkeyPatch, expires: datetime | None) -> None:
    found = Keys(production=True, configured=False, previous_expires=expires)
    monkeypatch.setattr(retire, "StackFile", lambda _stack: type("File", (), {"keys": lambda _self, _client: found})())


def test_a_previous_key_is_taken_out_of_the_configuration(
    changes: list[Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys(monkeypatch, datetime(2026, 11, 25, tzinfo=UTC))
    assert retire.retire("prod") == "report"
    assert changes == [Change()]
    assert changes[0].removed == PREVIOUS


def test_without_a_previous_key_nothing_is_done(changes: list[Change], monkeypatch: pytest.MonkeyPatch) -> None:
    keys(monkeypatch, None)
    assert "nothing to do" in retire.retire("prod")
    assert not changes
