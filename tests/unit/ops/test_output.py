"""One output of a stack, for a script or a person."""

import json
import sys

import pytest

from tests.unit.scripts import Copy, ready


def pulumi(copy: Copy, outputs: dict[str, str]) -> None:
    """Its command for outputs: one by name, or all as JSON."""
    path = copy.root / "outputs"
    path.mkdir()
    for name, value in outputs.items():
        (path / name).write_text(f"{value}\n")
    (path / "--json").write_text(json.dumps(outputs))
    no = """echo "error: current stack does not have output property '$3'" >&2; exit 255"""
    copy.fake("pulumi", f"cat '{path}'/\"$3\" 2>/dev/null || {{ {no}; }}")
    ready(copy, f'exec "{sys.executable}" "$@"')


def test_an_output_is_printed_alone(copy: Copy) -> None:
    pulumi(copy, {"url": "http://localhost:4000"})
    done = copy.run("output.sh", "dev", "url")
    assert (done.returncode, done.stdout) == (0, "http://localhost:4000\n")


@pytest.mark.parametrize("name", ["port", "--help", "", "url port"])
def test_a_name_that_is_none_is_answered_with_those_that_are(copy: Copy, name: str) -> None:
    """An option of pulumi's was taken for one, and no name printed all of them, the key too."""
    pulumi(copy, {"url": "http://localhost:4000", "master_key": "sk-secret"})
    done = copy.run("output.sh", "dev", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(
        f"error: the stack 'dev' has no output '{name}'; there are: url, master_key. "
        "Example: make output NAME=url STACK=dev\n"
    )


def test_a_stack_that_is_down_has_no_outputs(copy: Copy) -> None:
    pulumi(copy, {})
    assert "the stack 'dev' is not up. Run 'make up STACK=dev' first." in copy.run("output.sh", "dev", "url").stderr
