"""What a year of updates leaves behind."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import prune
from ops.commands import OperationError
from ops.engine import Engine
from ops.state import KINDS, State
from rules import bundle
from rules.pulumi_types import TAG

NEW, OLD = "litellm-claude/litellm:bbbbbbbbbbbb-prod", "litellm-claude/litellm:aaaaaaaaaaaa-prod"
FOREIGN = [
    "litellm-claude/litellm:aaaaaaaaaaaa-prod2",
    "litellm-claude/litellm:aaaaaaaaaaaa-another-prod",
    "litellm-claude/gateway:cccccccccccc",
    "litellm-claude/gateway:sbom",
    "debian:trixie-slim",
]


def state(*names: str) -> State:
    resources = [{"urn": name, "type": KINDS["image"], "id": name, "inputs": {"name": name}} for name in names]
    return State("prod", {"deployment": {"resources": resources}})


class Docker:
    """Stands in for docker: the images that there are, and those that a container uses."""

    def __init__(self, *tags: str) -> None:
        self.tags = list(tags)
        self.in_use: set[str] = set()
        self.named: dict[str, str] = {}
        self.asked: list[str] = []

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if command[3:5] == ["image", "ls"]:
            self.asked = [part for part in command if part.startswith("reference=")]
            return subprocess.CompletedProcess(command, 0, "\n".join(self.tags), "")
        if command[3:5] == ["image", "inspect"]:
            assert "{{json .Metadata.LastTagTime}}" in command
            named = self.named.get(command[-1], "0001-01-01T00:00:00Z")  # what is called by nothing but its build
            return subprocess.CompletedProcess(command, 0, f'"{named}"\n', "")
        assert command[3:5] == ["image", "rm"]
        assert "--force" not in command
        if command[-1] in self.in_use:
            return subprocess.CompletedProcess(command, 1, "", "conflict: container is using its referenced image")
        self.tags.remove(command[-1])
        return subprocess.CompletedProcess(command, 0, "", "")


def test_images_of_earlier_versions_go_and_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = Docker(NEW, OLD, *FOREIGN)
    monkeypatch.setattr(subprocess, "run", docker)
    assert prune.images("prod", state(NEW), Engine()) == [OLD]
    assert docker.tags == [NEW, *FOREIGN]


def test_what_a_swarms_images_are_called_in_its_registry_goes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    there = "registry.example.org:5000/llm"
    docker = Docker(NEW, f"{there}/{NEW}", f"{there}/{OLD}", *(f"{there}/{name}" for name in FOREIGN))
    monkeypatch.setattr(subprocess, "run", docker)
    known = state(NEW)
    known.resources.append({"urn": "t", "type": TAG, "inputs": {"targetImage": f"{there}/{NEW}"}})
    assert prune.images("prod", known, Engine()) == [f"{there}/{OLD}"]
    assert docker.asked == [
        f"reference={start}/*" for start in ("litellm-claude", bundle.REPOSITORY, f"{there}/litellm-claude")
    ]


def test_images_of_earlier_bundles_go(monkeypatch: pytest.MonkeyPatch) -> None:
    new, old = (f"bundle.invalid/litellm-claude/litellm:{letter * 12}" for letter in "ba")
    docker = Docker(new, old)
    monkeypatch.setattr(subprocess, "run", docker)
    monkeypatch.setattr("rules.bundle.images", lambda: {"litellm": new})
    assert prune.images("prod", state(NEW), Engine()) == [old]


def test_an_image_that_another_working_copy_has_just_loaded_stays_until_its_containers_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded, before = (f"bundle.invalid/litellm-claude/litellm:{letter * 12}" for letter in "ba")
    docker = Docker(loaded, before)
    docker.named = {
        loaded: f"{datetime.now(UTC) - timedelta(hours=23):%FT%TZ}",
        before: "2026-11-01T09:00:00.925362117Z",
    }
    monkeypatch.setattr(subprocess, "run", docker)
    assert prune.images("prod", state(NEW), Engine()) == [before]


@pytest.mark.parametrize("told", ["", "<no value>", "null", '"2026-11-28"'])
def test_an_image_of_which_the_engine_does_not_tell_since_when_may_go(told: str) -> None:
    assert bundle.may_go(told)


def test_an_image_that_a_container_uses_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = Docker(NEW, OLD)
    docker.in_use = {OLD}
    monkeypatch.setattr(subprocess, "run", docker)
    assert prune.images("prod", state(NEW), Engine()) == []


def test_a_stack_that_is_down_keeps_its_images_for_the_next_up() -> None:
    assert prune.images("prod", state(), Engine()) == []


def history(backend: Path, project: str, stack: str, copies: int) -> Path:
    folder = backend / "history" / project / stack
    folder.mkdir(parents=True)
    for number in range(copies):
        for ending in ("history.json", "checkpoint.json", "checkpoint.json.attrs"):
            (folder / f"{stack}-{1_795_712_118_543_132_323 + number}.{ending}").touch()
    return folder


def test_the_newest_states_are_kept_whole_and_other_stacks_have_theirs(tmp_path: Path) -> None:
    folder, other = history(tmp_path, "litellm-claude", "prod", 60), history(tmp_path, "litellm-claude", "dev", 60)
    assert prune.copies(tmp_path, "prod") == 30
    left = sorted(path.name for path in folder.iterdir())
    assert len(left) == 150
    assert left[0].startswith("prod-1795712118543132333."), "the ten oldest went"
    assert len([*other.iterdir()]) == 180


def test_a_copy_that_another_update_has_removed_is_gone_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(tmp_path, "litellm-claude", "prod", 1)
    monkeypatch.setattr(prune, "old_copies", lambda folder: [folder / "removed", *folder.iterdir()])
    prune.copies(tmp_path, "prod")
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_few_states_and_foreign_files_are_left_alone(tmp_path: Path) -> None:
    folder = history(tmp_path, "litellm-claude", "prod", 2)
    (folder / "a-file-of-the-operators.json").touch()
    assert prune.copies(tmp_path, "prod") == 0
    assert prune.copies(tmp_path / "nowhere", "prod") == 0
    assert prune.old_copies(tmp_path) == []


def test_what_cannot_be_removed_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_stack: str) -> State:
        raise OperationError("the backend is away")

    monkeypatch.setattr(State, "of", refuse)
    monkeypatch.setattr("sys.argv", ["ops.prune", "prod", ""])
    assert prune.main() == 0
    assert "nothing was removed: the backend is away" in capsys.readouterr().err


def test_what_is_removed_is_of_the_stack_and_of_the_folder_that_holds_its_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(prune, "prune", lambda *given: told.append(given))
    monkeypatch.setattr("sys.argv", ["ops.prune", "prod", "/the/state/.pulumi"])
    assert prune.main() == 0
    assert told == [("prod", "/the/state/.pulumi")]


def test_an_update_says_what_it_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(subprocess, "run", Docker(NEW, OLD))
    monkeypatch.setattr(State, "of", lambda _stack: state(NEW))
    folder = history(tmp_path, "litellm-claude", "prod", 51)
    prune.prune("organization/litellm-claude/prod", str(tmp_path))
    assert f"removed images of earlier versions: {OLD}" in capsys.readouterr().err
    assert len([*folder.iterdir()]) == 150
