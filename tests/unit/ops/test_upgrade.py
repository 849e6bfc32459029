"""Asking for security updates: the stack's file says of which day they are."""

import json
from datetime import UTC, datetime

import pytest

from ops import upgrade


@pytest.mark.parametrize(("current", "following"), [("", ""), ("2026-01-01", ""), ("TODAY", ".2"), ("TODAY.2", ".3")])
def test_each_upgrade_asks_anew(monkeypatch: pytest.MonkeyPatch, current: str, following: str) -> None:
    today = datetime.now(UTC).date().isoformat()
    asked: list[tuple[str, ...]] = []

    def pulumi(*arguments: str, stack: str) -> str:
        assert stack == "prod"
        asked.append(arguments)
        return json.dumps({"litellm-claude:securityUpdates": {"value": current.replace("TODAY", today)}})

    monkeypatch.setattr(upgrade, "pulumi", pulumi)
    assert "built anew" in upgrade.upgrade("prod")
    assert asked[-1] == ("config", "set", "securityUpdates", today + following)
