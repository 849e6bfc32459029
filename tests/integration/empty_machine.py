"""What becomes of a stack when its machine is lost: what is left of it, and where it may come back."""

import shutil

from pulumi import automation

from testbed.deployment import Deployment, docker

EMPTY = "config: {}\n"


def lose(stack: Deployment, *volumes: str) -> None:
    """Takes all of a stack away, and goes on in another copy of the project, without settings or state."""
    stack.remove()
    for volume in volumes:
        docker("volume", "rm", "--force", volume)
    project = stack.folder / "other"
    shutil.copytree(stack.project, project, symlinks=True)
    (project / f"Pulumi.{stack.name}.yaml").write_text(EMPTY)
    stack.project, stack.state = project, stack.folder / "other-state"
    stack.state.mkdir()
    stack.environment["PULUMI_BACKEND_URL"] = f"file://{stack.state}"


def find(stack: Deployment) -> None:
    """Takes up the stack that has come back there."""
    stack.stack = automation.select_stack(
        stack.name,
        work_dir=str(stack.project),
        opts=automation.LocalWorkspaceOptions(env_vars=stack.environment),
    )
    stack.outputs = None
