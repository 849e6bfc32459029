"""What a killed update leaves behind, and what is refused or removed on the next one."""

import json
import os
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ops import repair_file_backend
from rules import state_file

PENDING = {
    "type": "creating",
    "resource": {"type": "docker:index/container:Container", "inputs": {"name": "litellm-claude-dev-litellm-1a2b3c4"}},
}


class Engine:
    """Stands in for pulumi and docker: notes each command, and lists a leftover and a stranger as docker would."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.names = ["litellm-claude-dev-litellm-1a2b3c4", "litellm-claude-dev-litellm-fffffff"]

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(" ".join(command))
        asked = command[command.index("--filter") + 1].removeprefix("name=") if "--filter" in command else "^$"
        found = "\n".join(name for name in self.names if re.search(asked, name))
        return subprocess.CompletedProcess(command, 0, stdout=found)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """No command of this test is real."""
    fake = Engine()
    monkeypatch.setattr(subprocess, "run", fake)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return fake


def lock(state: Path, host: str, pid: int) -> None:
    """A lock as Pulumi writes it."""
    folder = state / "locks" / "organization" / "litellm-claude" / "dev"
    folder.mkdir(parents=True)
    content = {"pid": pid, "username": "ann", "hostname": host, "timestamp": "2026-11-24T12:00:00Z"}
    (folder / "1.json").write_text(json.dumps(content))


def state_with(state: Path, **latest: Any) -> None:
    """A stack's state in a file backend."""
    folder = state / "stacks" / "litellm-claude"
    folder.mkdir(parents=True)
    (folder / "dev.json").write_text(json.dumps({"checkpoint": {"latest": latest}}))


def test_a_lock_of_a_dead_process_is_cancelled(tmp_path: Path, engine: Engine) -> None:
    lock(tmp_path, socket.gethostname(), 999999)
    repair_file_backend.check_locks(tmp_path, "dev")
    assert repair_file_backend.locks(tmp_path, "dev") == {}


@pytest.mark.parametrize(("content", "stays"), [("", False), ('{"md5":', False), ('{"md5":"x"}', True)])
def test_notes_that_were_written_halfway_are_dropped(tmp_path: Path, content: str, stays: bool) -> None:
    state_with(tmp_path)
    notes = tmp_path / "stacks" / "litellm-claude" / "dev.json.attrs"
    notes.write_text(content)
    repair_file_backend.drop_half_written_notes(tmp_path)
    assert notes.exists() is stays
    assert state_file.checkpoint(tmp_path, "dev") == {}


def test_a_lock_of_a_running_update_stops(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    lock(tmp_path, socket.gethostname(), os.getpid())
    monkeypatch.setattr(repair_file_backend, "runs_pulumi", lambda pid: pid == os.getpid())
    with pytest.raises(SystemExit, match="another update of the stack 'dev' runs"):
        repair_file_backend.check_locks(tmp_path, "dev")
    assert engine.commands == []


@pytest.mark.parametrize(
    ("listed", "runs"),
    [("Sl pulumi\n", True), ("Z  pulumi <defunct>\n", False), ("Ss bash\n", False), ("", False)],
)
def test_a_process_counts_only_while_it_lives_and_is_a_pulumi(
    monkeypatch: pytest.MonkeyPatch, listed: str, runs: bool
) -> None:
    answer = subprocess.CompletedProcess([], 0, stdout=listed)
    monkeypatch.setattr(subprocess, "run", lambda *_a, **_k: answer)
    assert repair_file_backend.runs_pulumi(1) is runs


def test_a_process_is_looked_at_without_ps_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pulumi"
    program.write_text("#!/bin/sh\nread -r _\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "")
    with subprocess.Popen([program], stdin=subprocess.PIPE) as process:
        seen = [repair_file_backend.runs_pulumi(pid) for pid in (process.pid, os.getpid())]
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        seen.append(repair_file_backend.runs_pulumi(process.pid))  # a zombie
    assert [*seen, repair_file_backend.runs_pulumi(process.pid)] == [True, False, False, False]


def test_a_lock_of_another_machine_is_never_cancelled(tmp_path: Path, engine: Engine) -> None:
    lock(tmp_path, "elsewhere", 1)
    with pytest.raises(SystemExit, match="pulumi cancel --stack dev"):
        repair_file_backend.check_locks(tmp_path, "dev")
    assert engine.commands == []


def test_only_what_this_state_was_creating_is_removed(tmp_path: Path, engine: Engine) -> None:
    state_with(tmp_path, pending_operations=[PENDING], resources=[])
    repair_file_backend.finish_interrupted(tmp_path, "dev")
    removed = [command for command in engine.commands if " rm " in command]
    assert removed == ["docker container rm --force litellm-claude-dev-litellm-1a2b3c4"]
    assert not [command for command in engine.commands if "label" in command], "another copy's stack has the same label"


def dead_lock(state: Path) -> Path:
    """One of this host with its note, and the folder that both are in."""
    lock(state, socket.gethostname(), 1)
    (folder,) = repair_file_backend.lock_folders(state, "dev")
    (folder / "1.json.attrs").write_text("{}")
    return folder


def test_what_another_update_has_just_taken_away_stops_nothing(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead_lock(tmp_path)

    def gone(path: Path, *_: object, **__: object) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", gone)
    repair_file_backend.drop_half_written_notes(tmp_path)
    repair_file_backend.drop_half_written_locks(tmp_path, "dev")
    repair_file_backend.check_locks(tmp_path, "dev")
    assert engine.commands == []


def test_a_lock_that_comes_while_dead_ones_are_looked_at_stays(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = dead_lock(tmp_path)

    def meanwhile(_: int) -> bool:
        (folder / "2.json").write_text((folder / "1.json").read_text())
        return False

    monkeypatch.setattr(repair_file_backend, "runs_pulumi", meanwhile)
    repair_file_backend.check_locks(tmp_path, "dev")
    assert [path.name for path in folder.iterdir()] == ["2.json"]
    assert engine.commands == [], "`pulumi cancel` takes away all locks there are by then"


@pytest.mark.parametrize("health", ["healthy", "starting"])
def test_a_half_made_container_that_took_traffic_may_end_its_answers(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch, health: str
) -> None:
    monkeypatch.setattr(repair_file_backend, "healthy", lambda _: health == "healthy")
    inputs = PENDING["resource"]["inputs"] | {"destroyGraceSeconds": 608}  # type: ignore[index]
    pending = PENDING | {"resource": PENDING["resource"] | {"inputs": inputs}}  # type: ignore[operator]
    state_with(tmp_path, pending_operations=[pending], resources=[])
    repair_file_backend.finish_interrupted(tmp_path, "dev")
    drained = [command for command in engine.commands if command.startswith("docker stop --time 608")]
    assert bool(drained) is (health == "healthy")


@pytest.mark.parametrize(
    ("name", "content"),
    [("0.json.1f.tmp", ""), ("1.json", ""), ("2.json", '{"pid": 1'), ("3.json", "[]"), ("4.json", '{"pid": 1}')],
)
def test_a_lock_that_a_full_disk_cut_off_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    monkeypatch.setattr(repair_file_backend, "HALF_WRITTEN_SECONDS", 0)
    folder = tmp_path / "locks" / "organization" / "litellm-claude" / "dev"
    folder.mkdir(parents=True)
    (folder / name).write_text(content)
    repair_file_backend.drop_half_written_locks(tmp_path, "dev")
    assert list(folder.iterdir()) == []


def test_a_whole_lock_is_not_dropped(tmp_path: Path) -> None:
    lock(tmp_path, socket.gethostname(), 1)
    repair_file_backend.drop_half_written_locks(tmp_path, "dev")
    assert len(repair_file_backend.locks(tmp_path, "dev")) == 1


def test_what_the_refresh_took_into_the_state_stays(tmp_path: Path, engine: Engine) -> None:
    kept = {"outputs": {"name": PENDING["resource"]["inputs"]["name"]}}  # type: ignore[index]
    state_with(tmp_path, pending_operations=[PENDING], resources=[kept])
    repair_file_backend.finish_interrupted(tmp_path, "dev")
    assert not [command for command in engine.commands if " rm " in command]


def test_a_half_done_deletion_removes_nothing(tmp_path: Path, engine: Engine) -> None:
    state_with(tmp_path, pending_operations=[PENDING | {"type": "deleting"}], resources=[])
    repair_file_backend.finish_interrupted(tmp_path, "dev")
    assert not [command for command in engine.commands if " rm " in command]


def test_a_whole_state_costs_no_command(tmp_path: Path, engine: Engine) -> None:
    state_with(tmp_path, resources=[])
    repair_file_backend.check_locks(tmp_path, "dev")
    repair_file_backend.finish_interrupted(tmp_path, "dev")
    assert engine.commands == []


def damaged(state: Path) -> Path:
    """A state file that was cut off in the middle."""
    folder = state / "stacks" / "litellm-claude"
    path = folder / "dev.json"
    path.write_text(path.read_text()[:-20])
    return path


def test_a_damaged_state_stops_with_the_newest_backup_that_is_whole(tmp_path: Path, engine: Engine) -> None:
    state_with(tmp_path, resources=[{"urn": "one"}])
    path = tmp_path / "stacks" / "litellm-claude" / "dev.json"
    history = tmp_path / "history" / "litellm-claude" / "dev"
    history.mkdir(parents=True)
    copies = [history / "dev-1.checkpoint.json", path.with_suffix(".json.bak"), history / "dev-2.checkpoint.json"]
    for age, copy in enumerate(copies):
        copy.write_bytes(path.read_bytes())
        os.utime(copy, (1000 + age, 1000 + age))
    copies[-1].write_text("{")
    before = damaged(tmp_path).read_bytes()
    with pytest.raises(
        SystemExit, match=r"damaged: .*dev\.json .*Nothing was changed.* cp .*dev\.json\.bak .*dev\.json"
    ):
        state_file.checkpoint(tmp_path, "dev")
    assert path.read_bytes() == before
    assert engine.commands == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"checkpoint": {"latest": 1}}'])
def test_a_damaged_state_without_a_backup_says_so(tmp_path: Path, content: str) -> None:
    state_with(tmp_path, resources=[])
    (tmp_path / "stacks" / "litellm-claude" / "dev.json").write_text(content)
    with pytest.raises(SystemExit, match="There is no backup beside it"):
        state_file.checkpoint(tmp_path, "dev")
