"""A stack is known by its name and its file, and what is neither is said before anything is done."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.scripts import Copy


@pytest.mark.parametrize("name", ["dev; rm -rf x", "", "my dev", "dev/", "-x", "a/b/c/dev", "b\u00fccher"])
def test_an_odd_stack_name_is_refused(copy: Copy, name: str) -> None:
    for script in ("env.sh", "up.sh", "in_env.sh"):
        result = copy.run(script, name, "logs")
        assert (result.returncode, f"'{name}' is no stack name" in result.stderr) == (1, True), result.stderr


def test_a_stack_of_another_project_is_not_looked_for_here(copy: Copy) -> None:
    """It was said not to be up, and the command that was to bring it up said so again."""
    assert "Use STACK=dev" in copy.run("up.sh", "organization/other/dev").stderr
    assert copy.run("env.sh", "organization/litellm-claude/dev").returncode == 0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.symlink_to("/nowhere"), "No such file or directory"),
    ],
)
def test_a_stacks_file_that_cannot_be_read_is_named(copy: Copy, make: Callable[[Path], None], said: str) -> None:
    make(copy.root / "Pulumi.mine.yaml")
    result = copy.run("env.sh", "mine")
    assert (result.returncode, f"Pulumi.mine.yaml cannot be read: {said}." in result.stderr) == (1, True), result.stderr


def test_an_unknown_stack_names_the_known_ones(copy: Copy) -> None:
    result = copy.run("up.sh", "staging")
    assert result.returncode == 1
    assert "there is no stack 'staging'. Known ones: dev, prod." in result.stderr


def test_each_command_says_that_a_stack_is_unknown(copy: Copy) -> None:
    """Not up and down alone: what runs in the stack's environment ended without a word."""
    for command in (("env.sh", "staging"), ("in_env.sh", "staging", "true")):
        result = copy.run(*command)
        assert result.returncode == 1
        assert "there is no stack 'staging'. Known ones: dev, prod." in result.stderr
    assert not list(copy.root.glob(".pulumi-passphrase-*"))
