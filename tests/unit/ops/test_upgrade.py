"""Asking for security updates: the stack's file says of which day they are."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from ops import upgrade
from ops.commands import OperationError
from ops.key_rotation import Change
from ops.rotate import alone


def changed(monkeypatch: pytest.MonkeyPatch, changes: list[Change]) -> None:
    """No stack's file is there: what it would be told is kept."""
    monkeypatch.setattr(upgrade, "StackFile", lambda _: SimpleNamespace(apply=changes.append))


@pytest.mark.parametrize(
    ("current", "following"),
    [("", ""), ("2026-01-01", ""), ("TODAY", ".2"), ("TODAY.2", ".3"), ("TODAYT00:00:00Z", ".2")],
)
def test_each_upgrade_asks_anew(monkeypatch: pytest.MonkeyPatch, current: str, following: str) -> None:
    today = datetime.now(UTC).date().isoformat()
    changes: list[Change] = []

    def pulumi(*_: str, stack: str) -> str:
        assert stack == "prod"
        return json.dumps({"litellm-claude:securityUpdates": {"value": current.replace("TODAY", today)}})

    monkeypatch.setattr(upgrade, "pulumi", pulumi)
    changed(monkeypatch, changes)
    said = upgrade.upgrade("prod")
    assert "built anew" in said
    assert "new ones are refused for about 4 s" in said, "before it happens"
    assert changes == [Change({"securityUpdates": today + following}, removed=())], "in one step, and nothing else"


def test_an_upgrade_waits_for_a_rotation_which_may_put_the_file_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(upgrade, "upgrade", lambda _: pytest.fail("the file was changed"))
    monkeypatch.setattr("sys.argv", ["x", "prod"])
    with alone():
        assert upgrade.main() == 1
    assert "another rotation runs in this folder; wait for it" in capsys.readouterr().err


def test_a_ready_front_is_not_replaced_by_an_upgrade_and_nothing_is_said_of_a_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = {"litellm-claude:frontImage": {"value": "registry.example.org/front@sha256:0"}}
    monkeypatch.setattr(upgrade, "pulumi", lambda *_, stack: json.dumps(entries))
    changed(monkeypatch, [])
    assert "refused" not in upgrade.upgrade("prod")


def test_images_of_a_bundle_are_not_built_anew_and_the_way_to_newer_ones_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rules.bundle.images", lambda: {"litellm": "bundle.invalid/litellm-claude/litellm:0"})
    monkeypatch.setattr(upgrade, "StackFile", lambda _: pytest.fail("a setting was changed"))
    with pytest.raises(OperationError, match="make up BUNDLE=FILE STACK=prod"):
        upgrade.upgrade("prod")


READY = {
    f"litellm-claude:{role}Image": {"value": f"x/{role}@sha256:0"} for role in ("litellm", "gateway", "egress", "front")
}


def test_nothing_is_built_anew_where_all_images_are_ready_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrade, "pulumi", lambda *_, stack: json.dumps(READY))
    monkeypatch.setattr(upgrade, "StackFile", lambda _: pytest.fail("a setting was changed"))
    with pytest.raises(OperationError, match=r"pulumi config set litellmImage NAME@sha256:DIGEST --stack prod") as said:
        upgrade.upgrade("prod")
    assert "frontImage" in str(said.value)


@pytest.mark.parametrize(("name", "value"), [("tls", "acme"), ("replicas", "2"), ("litellmImage", "")])
def test_one_that_is_built_here_is_built_anew(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    entries = {**READY, f"litellm-claude:{name}": {"value": value}}
    monkeypatch.setattr(upgrade, "pulumi", lambda *_, stack: json.dumps(entries))
    changed(monkeypatch, [])
    assert "built anew" in upgrade.upgrade("prod")
