"""A `dockerHost` that leads to another engine: refused in time, and no other way to the same one is."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.another_engine import refuse_another_engine
from ops.commands import OperationError
from ops.reconcile import reconcile
from ops.state import ENGINE, KINDS, State
from rules.docker import LOCAL

HERE, FAR, DEAD = LOCAL, "ssh://operator@a.example.org", "ssh://operator@dead.example.org"
CONTAINER = {"urn": "urn:pulumi:prod::litellm-claude::t::litellm-claude-prod-gateway", "type": KINDS["container"]}
SERVICE = {**CONTAINER, "type": KINDS["service"]}


class Engines:
    """Stands in for docker's client: which engine has the stack, by address; the dead one does not answer."""

    def __init__(self, *having: str) -> None:
        self.having = having

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if command[2] == DEAD:
            return subprocess.CompletedProcess(command, 1, "", "error during connect: no route to host")
        if command[2] not in self.having:
            return subprocess.CompletedProcess(command, 1, "", f"Error: No such {command[3]}: id")
        return subprocess.CompletedProcess(command, 0, json.dumps({"Id": command[-1]}), "")


def state(host: str | None, *parts: dict[str, Any]) -> State:
    provider = {"urn": "engine", "type": ENGINE, "inputs": {"host": host} if host else {}}
    return State("prod", {"deployment": {"resources": [provider, *({**part, "id": "id"} for part in parts)]}})


def configured(folder: Path, host: Any) -> None:
    (folder / "Pulumi.yaml").write_text("config: {}\n")
    told = {"litellm-claude:dockerHost": host} if host else {}
    (folder / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": told}))


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DOCKER_HOST", raising=False)


@pytest.mark.parametrize(
    ("known", "wanted", "having", "part", "fix"),
    [
        (None, FAR, (HERE,), CONTAINER, "rm dockerHost"),
        (None, FAR, (HERE,), SERVICE, "rm dockerHost"),
        (FAR, None, (FAR,), CONTAINER, f"set dockerHost {FAR}"),
        (FAR, "tcp://b.example.org:2376", (FAR,), CONTAINER, f"set dockerHost {FAR}"),
        (FAR, "tcp://a.example.org:2376", (FAR, "tcp://a.example.org:2376"), CONTAINER, None),  # the same engine
        (FAR, FAR, (), CONTAINER, None),  # removed by hand: it is brought back
        (FAR, HERE, (), CONTAINER, None),  # a backup, restored where it never ran
        (None, FAR, (), CONTAINER, None),
        (None, None, (), CONTAINER, None),
    ],
)
def test_another_engine_is_refused_while_the_stack_runs_on_the_former_one(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    known: str | None,
    wanted: str | None,
    having: tuple[str, ...],
    part: dict[str, Any],
    fix: str | None,
) -> None:
    configured(tmp_path, wanted)
    monkeypatch.setattr(subprocess, "run", Engines(*having))
    if fix is None:
        refuse_another_engine(state(known, part), "prod")
        return
    with pytest.raises(OperationError, match="it would go on there, with its keys") as refused:
        refuse_another_engine(state(known, part), "prod")
    assert f"Fix: pulumi config {fix} --stack prod" in str(refused.value)


def test_an_engine_of_the_shell_is_one_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configured(tmp_path, None)
    monkeypatch.setenv("DOCKER_HOST", FAR)
    monkeypatch.setattr(subprocess, "run", None)  # nothing is asked where nothing has changed
    refuse_another_engine(state(FAR, CONTAINER), "prod")
    monkeypatch.setenv("DOCKER_HOST", "ssh://operator@b.example.org")
    monkeypatch.setattr(subprocess, "run", Engines(FAR))
    with pytest.raises(OperationError, match=f"pulumi config set dockerHost {FAR} --stack prod"):
        refuse_another_engine(state(FAR, CONTAINER), "prod")


def test_a_shell_that_names_another_engine_is_told_how_to_name_this_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(tmp_path, None)
    monkeypatch.setenv("DOCKER_HOST", FAR)
    monkeypatch.setattr(subprocess, "run", Engines(HERE))
    with pytest.raises(OperationError, match=f"Fix: export DOCKER_HOST={HERE}") as refused:
        refuse_another_engine(state(None, CONTAINER), "prod")
    assert "pulumi config" not in str(refused.value), "there is no setting to take back"


def test_a_stack_that_is_down_may_come_up_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configured(tmp_path, FAR)
    monkeypatch.setattr(subprocess, "run", Engines())
    refuse_another_engine(state(DEAD), "prod")


def test_an_engine_that_is_lost_is_told_with_the_way_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configured(tmp_path, FAR)
    monkeypatch.setattr(subprocess, "run", Engines())
    with pytest.raises(OperationError, match=f"{DEAD}, which does not answer .*no route to host") as refused:
        refuse_another_engine(state(DEAD, CONTAINER), "prod")
    assert "pulumi up --yes --stack prod && make up STACK=prod" in str(refused.value)
    assert f"pulumi config set dockerHost {DEAD} --stack prod" in str(refused.value)


def test_a_machine_without_an_engine_of_its_own_never_had_the_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(tmp_path, FAR)
    monkeypatch.setattr("ops.another_engine.LOCAL", DEAD)
    monkeypatch.setattr(subprocess, "run", Engines())
    refuse_another_engine(state(None, CONTAINER), "prod")


def test_a_stack_is_not_taken_down_where_it_does_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pulumi would take each container for gone, and forget it."""
    configured(tmp_path, FAR)
    monkeypatch.setattr(subprocess, "run", Engines(HERE))
    with pytest.raises(OperationError, match="pulumi config rm dockerHost --stack prod"):
        reconcile("prod", state(None, CONTAINER), before_down=True)


def test_an_address_that_was_set_as_a_secret_is_decrypted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configured(tmp_path, {"secure": "v1:x"})
    monkeypatch.setattr(subprocess, "run", Engines(HERE))
    monkeypatch.setattr("ops.decrypted_setting.pulumi", lambda *_, **__: f"{FAR}\n")
    with pytest.raises(OperationError, match=f"nothing of it is on {FAR}"):
        refuse_another_engine(state(None, CONTAINER), "prod")
