"""What make sets for a preview alone."""

import itertools

from tests.unit.setup.conftest import Copy
from tests.unit.setup.test_environment import ready, salted_state


def test_a_preview_makes_no_states_to_drop_and_an_update_keeps_each(copy: Copy) -> None:
    ready(copy)
    asked = copy.root.parent / "asked"
    copy.fake("pulumi", f'printf "%s " "$1" "${{PULUMI_SKIP_CHECKPOINTS:-each}}" >>"{asked}"')
    salted_state(copy, "dev")
    copy.fake("docker", "exit 0")
    for script in ("preview.sh", "up.sh"):
        copy.run(script, "dev")
    assert {"preview true", "up each"} <= {" ".join(pair) for pair in itertools.pairwise(asked.read_text().split())}
