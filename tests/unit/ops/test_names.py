"""A stack that was renamed keeps what it has."""

from pathlib import Path
from typing import Any

import pytest

from ops import names, reconcile
from ops.commands import OperationError
from ops.key_rotation import Change
from ops.stack_file import StackFile
from ops.state import KINDS, State

VOLUME = {
    "urn": "urn:pulumi:new::litellm-claude::docker:index/volume:Volume::litellm-claude-prod-claude-auth",
    "type": KINDS["volume"],
    "id": "login",
}
USAGE = {**VOLUME, "urn": "urn:pulumi:new::litellm-claude::docker:index/volume:Volume::litellm-claude-prod-usage"}
GATEWAY = {
    "urn": "urn:pulumi:new::litellm-claude::docker:index/container:Container::litellm-claude-prod-gateway",
    "type": KINDS["container"],
    "id": "gateway",
    "inputs": {"labels": [{"label": "litellm-claude.stack", "value": "litellm-claude-prod"}]},
}


def state(*resources: dict[str, Any]) -> State:
    return State("new", {"deployment": {"resources": list(resources)}})


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What was written into the stack's file, and what pulumi was run with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PULUMI_OPTION_CONFIG_FILE", raising=False)
    (tmp_path / "Pulumi.yaml").write_text('config:\n  name: {type: string, default: ""}\n')
    (tmp_path / "Pulumi.new.yaml").write_text("config: {}\n")
    written: list[Any] = []
    monkeypatch.setattr(StackFile, "apply", lambda _, change: written.append(change))
    monkeypatch.setattr(names, "pulumi", lambda *arguments, stack: written.append((*arguments, stack)))
    return written


@pytest.mark.parametrize("left", [(VOLUME, GATEWAY), (USAGE, VOLUME), (GATEWAY,)])
def test_a_renamed_stack_goes_on_under_the_names_that_it_has(
    noted: list[Any], capsys: pytest.CaptureFixture[str], left: tuple[dict[str, Any], ...]
) -> None:
    names.keep_names(state(*left), "organization/litellm-claude/new")
    assert noted == [Change({"name": "prod"}, removed=())]
    assert "the stack 'prod' is called 'new' now" in capsys.readouterr().err


def test_the_run_that_notices_it_goes_on_with_them_too(noted: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_OPTION_CONFIG_FILE", "/tmp/copy/Pulumi.new.yaml")
    names.keep_names(state(VOLUME), "new")
    assert noted[1:] == [("config", "set", "name", "prod", "new")]


@pytest.mark.parametrize("down", [True, False])
def test_going_down_it_is_noted_before_the_containers_are_gone(
    noted: list[Any], monkeypatch: pytest.MonkeyPatch, down: bool
) -> None:
    monkeypatch.setattr(reconcile, "strays", lambda *_: [])
    monkeypatch.setattr(reconcile, "undo_failed", lambda *_, **__: [])
    monkeypatch.setattr(reconcile, "absent", lambda *_: [])
    reconcile.reconcile("new", state(VOLUME), before_down=down)
    assert bool(noted) is down


def test_what_is_called_as_it_should_be_stays(noted: list[Any], tmp_path: Path) -> None:
    names.keep_names(state(), "new")
    (tmp_path / "Pulumi.prod.yaml").write_text("config: {}\n")
    names.keep_names(state(VOLUME), "prod")
    (tmp_path / "Pulumi.new.yaml").write_text("config: {litellm-claude:name: prod}\n")
    names.keep_names(state(VOLUME), "new")
    assert names.prefix("organization/litellm-claude/new") == "litellm-claude-prod"
    assert not noted


def test_a_name_set_on_a_stack_that_has_another_is_refused(noted: list[Any], tmp_path: Path) -> None:
    (tmp_path / "Pulumi.new.yaml").write_text("config: {litellm-claude:name: other}\n")
    with pytest.raises(OperationError, match=r"pulumi config set --stack new name prod"):
        names.keep_names(state(VOLUME), "new")
    assert not noted
