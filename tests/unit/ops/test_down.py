"""What a person is told of what stays when a stack goes down."""

import pytest

from tests.unit.scripts import Copy, salted_state


@pytest.mark.parametrize(
    ("host", "typed"),
    [("", "delete them: docker "), ("ssh://ann@far", "delete them: env DOCKER_HOST=ssh://ann@far docker ")],
)
def test_images_are_deleted_on_the_engine_that_has_them(copy: Copy, host: str, typed: str) -> None:
    if host:
        (copy.root / "Pulumi.dev.yaml").write_text(f"config:\n  litellm-claude:dockerHost: {host}\n")
    salted_state(copy, "dev")
    copy.fake("pulumi", "exit 0")
    copy.fake("docker", 'echo "litellm-claude/egress:0123456789ab-dev"')
    done = copy.run("down.sh", "dev")
    assert f"{typed}image rm litellm-claude/egress:0123456789ab-dev" in done.stderr


def test_the_images_of_a_stack_with_a_similar_name_are_not_named(copy: Copy) -> None:
    (copy.root / "Pulumi.a.b.yaml").write_text("config: {}\n")
    copy.environment["CONFIRM"] = "yes"
    salted_state(copy, "a.b")
    (copy.root / ".pulumi-passphrase-a.b").write_text("one")
    copy.fake("pulumi", "exit 0")
    copy.fake("docker", 'printf "litellm-claude/egress:0123456789ab-%s\\n" a.b a-b')
    done = copy.run("down.sh", "a.b")
    assert done.stderr.endswith("docker image rm litellm-claude/egress:0123456789ab-a.b\n")
