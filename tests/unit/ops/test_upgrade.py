"""Asking for security updates: the stack's file says of which day they are."""

import json
from datetime import UTC, datetime

import pytest

from ops import upgrade
from ops.commands import OperationError


@pytest.mark.parametrize(("current", "following"), [("", ""), ("2026-01-01", ""), ("TODAY", ".2"), ("TODAY.2", ".3")])
def test_each_upgrade_asks_anew(monkeypatch: pytest.MonkeyPatch, current: str, following: str) -> None:
    today = datetime.now(UTC).date().isoformat()
    asked: list[tuple[str, ...]] = []

    def pulumi(*arguments: str, stack: str) -> str:
        assert stack == "prod"
        asked.append(arguments)
        return json.dumps({"litellm-claude:securityUpdates": {"value": current.replace("TODAY", today)}})

    monkeypatch.setattr(upgrade, "pulumi", pulumi)
    said = upgrade.upgrade("prod")
    assert "built anew" in said
    assert "new ones are refused for about 4 s" in said, "before it happens"
    assert asked[-1] == ("config", "set", "securityUpdates", today + following)


def test_a_ready_front_is_not_replaced_by_an_upgrade_and_nothing_is_said_of_a_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = {"litellm-claude:frontImage": {"value": "registry.example.org/front@sha256:0"}}
    monkeypatch.setattr(upgrade, "pulumi", lambda *_, stack: json.dumps(entries))
    assert "refused" not in upgrade.upgrade("prod")


def test_images_of_a_bundle_are_not_built_anew_and_the_way_to_newer_ones_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rules.bundle.images", lambda: {"litellm": "bundle.invalid/litellm-claude/litellm:0"})
    monkeypatch.setattr(upgrade, "pulumi", lambda *_, stack: pytest.fail("a setting was changed"))
    with pytest.raises(OperationError, match="make up BUNDLE=FILE STACK=prod"):
        upgrade.upgrade("prod")
