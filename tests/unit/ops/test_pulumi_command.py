"""How pulumi is run: shell scripts in its place tell what they were given."""

import os
from pathlib import Path

import pytest

from ops.commands import OperationError, pulumi
from rules.pulumi_command import PulumiError, output
from tests.unit.conftest import Program


def test_pulumi_is_never_asked_anything_back(program: Program) -> None:
    program("pulumi", 'echo "$*"; cat; echo a warning >&2')
    asked = "config set a --stack prod --non-interactive --color never\n"
    assert pulumi("config", "set", "a", stack="prod") == asked
    assert pulumi("config", "set", "a", stack="prod", stdin="secret") == f"{asked}secret"


def test_what_pulumi_refuses_is_said_with_what_to_do(program: Program) -> None:
    program("pulumi", "echo 'error: something new' >&2; exit 255")
    with pytest.raises(OperationError, match=r"^pulumi stack export failed: something new$"):
        pulumi("stack", "export", stack="prod")
    program("pulumi", "echo \"error: no stack named 'prod' found\" >&2; exit 255")
    with pytest.raises(OperationError, match=r"^pulumi stack export failed: no stack named 'prod' found\n.+make up"):
        pulumi("stack", "export", stack="prod")


def test_pulumi_runs_in_the_folder_and_the_environment_that_it_is_given(program: Program, tmp_path: Path) -> None:
    program("pulumi", 'echo "$PWD $A $*"')
    printed = output("stack", stack="prod", folder=tmp_path, environment={**os.environ, "A": "b"})
    assert printed == f"{tmp_path} b stack --stack prod --non-interactive --color never\n"


def test_without_pulumi_the_way_to_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PulumiError, match=r"there is no pulumi command on PATH\. Run it through make"):
        output("stack", stack="prod")


def test_pulumi_that_hangs_is_given_up(program: Program) -> None:
    program("pulumi", "exec sleep 60")
    with pytest.raises(PulumiError, match=r"^pulumi stack export did not finish in 0 s$"):
        output("stack", "export", stack="prod", seconds=0.01)
