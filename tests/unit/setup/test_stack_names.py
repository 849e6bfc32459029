"""A stack is known by its name and its file, and what is neither is said before anything is done."""

import subprocess
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
        (lambda path: path.mkdir(), "Pulumi.mine.yaml is a folder, or a link that leads nowhere"),
        (lambda path: path.symlink_to("/nowhere"), "Pulumi.mine.yaml is a folder, or a link that leads nowhere"),
        (lambda path: path.write_text("config: {}", encoding="utf-16"), "Fix: iconv -f UTF-16 -t UTF-8"),
    ],
)
def test_a_stacks_file_that_cannot_be_read_is_named(copy: Copy, make: Callable[[Path], None], said: str) -> None:
    """Pulumi reads UTF-16; the scripts found no dockerHost in it, and went to another engine."""
    make(copy.root / "Pulumi.mine.yaml")
    result = copy.run("env.sh", "mine")
    assert (result.returncode, said in result.stderr) == (1, True), result.stderr


def test_a_stacks_file_in_another_encoding_is_mended_by_the_command_that_is_named(copy: Copy) -> None:
    path = copy.root / "Pulumi.mine.yaml"
    path.write_text("config: {}\n", encoding="utf-16")
    command = copy.run("env.sh", "mine").stderr.partition("Fix: ")[2]
    subprocess.run(["bash", "-c", command], cwd=copy.root, check=True, timeout=60)
    assert copy.run("env.sh", "mine").returncode == 0
    assert path.read_text() == "config: {}\n"


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
