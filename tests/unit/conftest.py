"""What holds for all tests of modules alone: they pass on a machine without an engine, as a fresh one is."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.scripts import Copy, copied

Program = Callable[[str, str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts a shell script in a program's place, so that how it is run is tried, too."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def put(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that forgot to replace the engine fails on every machine, not on the first one without an engine."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/no-engine-in-unit-tests.sock")


@pytest.fixture(autouse=True)
def _no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it one to which a bundle was brought."""
    monkeypatch.setattr("rules.bundle.UNPACKED", Path("/nonexistent/no-bundle-in-unit-tests"))


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A working copy of the scripts alone."""
    return copied(tmp_path)


@pytest.fixture
def exports(copy: Copy) -> Callable[[str], dict[str, str]]:
    """The environment that env.sh prints for a stack, as a dictionary."""

    def read(stack: str) -> dict[str, str]:
        result = copy.run("env.sh", stack)
        assert result.returncode == 0, result.stderr
        lines = (line.removeprefix("export ").partition("=") for line in result.stdout.splitlines())
        return {name: value for name, _, value in lines}

    return read
