"""What goes into a volume and comes out of it: by which container, which can do no more than that."""

import subprocess
from itertools import pairwise
from typing import Any

import pytest

from ops import volumes
from ops.commands import OperationError
from ops.engine import Engine


class Told(Engine):
    """Notes what docker is asked, and answers it."""

    def __init__(self, status: int = 0, printed: str = "", said: str = "") -> None:
        super().__init__("unix:///nowhere")
        self.asked: list[tuple[tuple[str, ...], str | None]] = []
        self.answer = (status, printed, said)

    def call(self, *arguments: str, stdin: str | None = None, **_: Any) -> subprocess.CompletedProcess[str]:
        self.asked.append((arguments, stdin))
        return subprocess.CompletedProcess(arguments, *self.answer)


CONFINED = (
    *("--network", "none", "--read-only", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges", "--log-driver", "none", "--user", "0:0"),
)


def added(command: tuple[str, ...]) -> set[str]:
    """Its capabilities: what stands behind --cap-add."""
    return {value for name, value in pairwise(command) if name == "--cap-add"}


def test_what_is_taken_is_read_by_a_container_without_network_that_changes_nothing() -> None:
    engine = Told(printed="packed")
    assert volumes.taken(engine, "auth") == "packed"
    ((command, stdin),) = engine.asked
    assert command[:2] == ("run", "--rm")
    assert added(command) == {"DAC_READ_SEARCH"}
    assert (
        tuple(word for word in command[2:] if word not in ("--cap-add", *added(command)))[: len(CONFINED)] == CONFINED
    )
    assert command[command.index("--mount") + 1] == "type=volume,source=auth,target=/volume,volume-nocopy=true"
    assert command[-4:] == (volumes.IMAGE, "bash", "-c", volumes.TAKE)
    assert "--interactive" not in command, "nothing is said to it"
    assert stdin is None


def test_what_is_put_back_is_read_from_the_standard_input() -> None:
    engine = Told()
    volumes.fill(engine, "auth", "packed", {"litellm-claude.stack": "s", "litellm-claude.role": "r"})
    (made, nothing), (filled, stdin) = engine.asked
    assert made == ("volume", "create", "--label=litellm-claude.stack=s", "--label=litellm-claude.role=r", "auth")
    assert nothing is None
    assert "--interactive" in filled
    assert added(filled) == {"CHOWN", "FOWNER", "DAC_OVERRIDE"}
    assert filled[-3:] == ("bash", "-c", volumes.FILL)
    assert stdin == "packed"


@pytest.mark.parametrize(("printed", "there"), [("/volume/x\n", True), ("\n", False), ("", False)])
def test_whether_something_is_there_is_what_find_prints(printed: str, there: bool) -> None:
    engine = Told(printed=printed)
    assert volumes.holds_something(engine, "auth") is there
    ((command, _),) = engine.asked
    assert command[command.index(volumes.IMAGE) + 1 :][:2] == ("find", "/volume")
    assert added(command) == {"DAC_READ_SEARCH"}


@pytest.mark.parametrize(("status", "there"), [(0, True), (1, False)])
def test_a_volume_is_there_when_docker_knows_it(status: int, there: bool) -> None:
    assert volumes.exists(Told(status), "auth") is there


def test_what_fails_is_told_in_dockers_words() -> None:
    with pytest.raises(OperationError, match=r"docker run failed: no space left$"):
        volumes.taken(Told(125, said="no space left\n"), "auth")
