"""What a person is told of what stays when a stack goes down."""

import pytest

from tests.unit.scripts import Copy, ready, salted_state


@pytest.mark.parametrize(
    ("host", "typed"),
    [("", "delete them: docker "), ("ssh://ann@far", "delete them: env DOCKER_HOST=ssh://ann@far docker ")],
)
def test_images_are_deleted_on_the_engine_that_has_them(copy: Copy, host: str, typed: str) -> None:
    if host:
        (copy.root / "Pulumi.dev.yaml").write_text(f"config:\n  litellm-claude:dockerHost: {host}\n")
    ready(copy)
    salted_state(copy, "dev")
    copy.fake("pulumi", "exit 0")
    copy.fake("docker", 'echo "litellm-claude/egress:0123456789ab-dev"')
    done = copy.run("down.sh", "dev")
    assert f"{typed}image rm litellm-claude/egress:0123456789ab-dev" in done.stderr
