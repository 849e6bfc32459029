"""What make sets for a preview alone."""

import itertools

import pytest

from tests.unit.scripts import Copy, salted_state


def test_a_preview_makes_no_states_to_drop_and_an_update_keeps_each(copy: Copy) -> None:
    asked = copy.root.parent / "asked"
    copy.fake("pulumi", f'printf "%s " "$1" "${{PULUMI_SKIP_CHECKPOINTS:-each}}" >>"{asked}"')
    salted_state(copy, "dev")
    copy.fake("docker", "exit 0")
    for script in ("preview.sh", "up.sh"):
        copy.run(script, "dev")
    assert {"preview true", "up each"} <= {" ".join(pair) for pair in itertools.pairwise(asked.read_text().split())}


@pytest.mark.parametrize("script", ["preview.sh", "up.sh", "down.sh"])
def test_nothing_is_left_among_the_temporary_files(copy: Copy, script: str) -> None:
    """Each preview left a copy of the stack's file."""
    copy.fake("pulumi", "echo '{}'")
    copy.fake("docker", "exit 0")
    salted_state(copy, "dev")
    folder = copy.root.parent / "temporary"
    folder.mkdir()
    copy.environment["TMPDIR"] = str(folder)
    copy.run(script, "dev")
    assert list(folder.iterdir()) == []
