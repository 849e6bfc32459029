"""What a rotation does around the update: who is alone, what is put back, what is cut in an emergency."""

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops import rotate
from ops.commands import OperationError
from ops.cutover import Cutover
from ops.engine import Container
from ops.key_rotation import Change, Keys
from ops.rotate import Serving
from ops.state import State
from ops.update import bring_up
from rules.docker import EngineError

URN = "urn:pulumi:prod::litellm-claude::docker:index/container:Container::litellm-claude-prod-litellm"


def state(*identifiers: str) -> State:
    labels = [{"label": "litellm-claude.stack", "value": "litellm-claude-prod"}]
    inputs = {"name": "litellm-1", "labels": labels}
    resources = [
        {"urn": URN, "type": "docker:index/container:Container", "id": identifier, "inputs": inputs}
        for identifier in identifiers
    ]
    return State("prod", {"deployment": {"resources": resources}})


class File:
    """Stands in for the stack's file: whether the change stayed."""

    kept: bool | None = None

    @contextlib.contextmanager
    def changed(self, _change: Change) -> Iterator[None]:
        self.kept = True
        try:
            yield
        except BaseException:
            self.kept = False
            raise


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch) -> File:
    made = File()
    monkeypatch.setattr(rotate, "StackFile", lambda _stack: made)
    return made


Outcome = Callable[..., None]


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Says how the update ends, and which container is in force then."""

    def set_up(*, succeeds: bool, then: str | None) -> None:
        names = iter(["litellm-old", then])
        monkeypatch.setattr(rotate, "serving", lambda _stack: (name := next(names)) and Serving(name))
        monkeypatch.setattr(rotate, "bring_up", lambda _stack, _meanwhile: succeeds)

    return set_up


def test_a_rotation_that_succeeds_stays(file: File, outcome: Outcome) -> None:
    outcome(succeeds=True, then="litellm-new")
    rotate.update("prod", Change())
    assert file.kept


def test_a_rotation_that_succeeds_stays_whoever_does_not_answer_afterwards(
    file: File, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome(succeeds=True, then=None)
    answers = iter([Serving("litellm-old")])

    def serving(_stack: str) -> Serving:
        try:
            return next(answers)
        except StopIteration:
            raise EngineError("no answer") from None

    monkeypatch.setattr(rotate, "serving", serving)
    with contextlib.suppress(EngineError):
        rotate.update("prod", Change())
    assert file.kept


def test_the_configuration_is_put_back_when_the_old_container_serves_on(file: File, outcome: Outcome) -> None:
    outcome(succeeds=False, then="litellm-old")
    with pytest.raises(OperationError, match="nothing changed: litellm-old serves on"):
        rotate.update("prod", Change())
    assert file.kept is False


def test_the_configuration_is_put_back_when_no_container_is_left_and_the_way_back_is_told(
    file: File, outcome: Outcome
) -> None:
    outcome(succeeds=False, then=None)
    with pytest.raises(OperationError, match=r"nothing changed.*Bring the stack back: make up STACK=prod"):
        rotate.update("prod", Change())
    assert file.kept is False


def test_the_configuration_stays_when_the_new_container_is_in_force(file: File, outcome: Outcome) -> None:
    outcome(succeeds=False, then="litellm-new")
    with pytest.raises(OperationError, match="Complete it: make up STACK=prod"):
        rotate.update("prod", Change())
    assert file.kept


def test_a_stack_that_is_not_up_has_no_key_to_rotate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(State, "of", lambda stack: state())
    with pytest.raises(OperationError, match=r"no key to rotate\. Run: make up STACK=prod"):
        rotate.rotate("prod", None)


def test_two_rotations_in_one_folder_exclude_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with rotate.alone(), pytest.raises(OperationError, match="another rotation runs"), rotate.alone():
        pass
    with rotate.alone():
        pass


class Engine:
    """Stands in for docker: the LiteLLM containers that there are, and which were killed."""

    typed = "env DOCKER_HOST=ssh://ann@far docker"

    def __init__(self) -> None:
        self.there: dict[str, tuple[bool, str]] = {}  # healthy, status
        self.killed: list[str] = []
        self.kill_works = True

    def containers(self, label: str, role: str | None = None) -> list[Container]:
        assert label == "litellm-claude-prod"
        assert role == "litellm"
        return [
            Container(name, name, role, status, healthy, frozenset()) for name, (healthy, status) in self.there.items()
        ]

    def kill(self, identifier: str) -> None:
        self.killed.append(identifier)
        if self.kill_works:
            self.there[identifier] = (False, "exited")


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def cutover(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Cutover:
    engine.there = {"old": (True, "running"), "draining": (False, "running")}
    before = state("old")
    monkeypatch.setattr(before, "engine", lambda: engine)
    return Cutover(before)


def test_nothing_is_cut_before_the_new_container_is_healthy(cutover: Cutover, engine: Engine) -> None:
    cutover()
    engine.there["new"] = (False, "running")
    cutover()
    assert engine.killed == []


def test_all_old_containers_are_cut_when_the_new_one_is_healthy(cutover: Cutover, engine: Engine) -> None:
    engine.there["new"] = (True, "running")
    cutover()
    cutover()
    assert engine.killed == ["old", "draining"]
    assert cutover.still_serving() == []


def test_an_emergency_that_could_not_cut_says_so(
    cutover: Cutover, engine: Engine, file: File, outcome: Outcome
) -> None:
    outcome(succeeds=True, then="litellm-new")
    engine.there["new"], engine.kill_works = (True, "running"), False
    with pytest.raises(
        OperationError,
        match=r"still accepted by old, draining\. Run: env .* docker kill old draining",
    ):
        rotate.update("prod", Change(), cutover)


@pytest.mark.parametrize(("status", "succeeded"), [(0, True), (1, False)])
def test_the_update_is_the_one_that_make_up_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, succeeded: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ops.update.POLL_SECONDS", 0.01)
    script = tmp_path / "ops" / "up.sh"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho "$1" >asked\nsleep 0.3\nexit {status}\n')
    script.chmod(0o755)
    ticks: list[datetime] = []
    assert bring_up("prod", lambda: ticks.append(datetime.now(UTC))) is succeeded
    assert (tmp_path / "asked").read_text() == "prod\n"
    assert len(ticks) > 2


@pytest.mark.parametrize("fault", [OperationError("docker ps failed"), EngineError("docker ps failed")])
def test_a_look_that_fails_meanwhile_is_no_failure_of_the_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """In an emergency it put the old key back, which somebody else has, while the new one was in force."""
    up = tmp_path / "up.sh"
    up.write_text("#!/bin/sh\nread -r _ <go\n")
    up.chmod(0o755)
    os.mkfifo(tmp_path / "go")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ops.update.UP", up)

    words = iter(["on\n"])

    def look() -> None:
        for word in words:  # the first time
            (tmp_path / "go").write_text(word)
        raise fault

    assert bring_up("prod", look)


@pytest.mark.parametrize(("client", "cut"), [(None, True), ("alice", False)])
def test_an_emergency_of_one_client_cuts_nobody_elses_streams(
    monkeypatch: pytest.MonkeyPatch, client: str | None, cut: bool
) -> None:
    updates: list[tuple[Change, bool]] = []
    keys = Keys(production=True, configured=False)
    monkeypatch.setattr(rotate, "StackFile", lambda _stack: type("F", (), {"keys": lambda _self, _client: keys})())
    monkeypatch.setattr(rotate, "serving", lambda _stack: "litellm-1")
    monkeypatch.setattr(State, "of", staticmethod(lambda _stack: state("old")))
    monkeypatch.setattr(rotate, "report", lambda _stack, _client: "report")
    monkeypatch.setattr(rotate, "Cutover", lambda _state: object())
    monkeypatch.setattr(rotate, "update", lambda _stack, change, cutover: updates.append((change, cutover is not None)))
    assert rotate.rotate("prod", None, client) == "report"
    ((change, ended),) = updates
    assert ended is cut
    assert list(change.values) == [f"clients.{client}.keyRotation" if client else "keyRotation"]
