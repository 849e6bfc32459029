"""Logs in to Claude in the running container, which asks for a code. ``make login`` runs it.

``python -m ops.login STACK``, in the stack's environment and in a terminal.
"""

import os
import sys
from pathlib import Path

from ops.commands import OperationError, command_line, exit_status
from ops.engine import Engine
from ops.logs import not_up
from ops.names import prefix
from rules.stack_settings import setting

ROLE = "litellm"


def container(stack: str, engine: Engine) -> str:
    """Returns the name of the container to log in from: one that serves rather than one that drains.

    Raises:
        OperationError: when there is none, or nobody could type the code.
    """
    if setting("orchestrator", stack, Path()) == "swarm":
        raise OperationError(
            "a stack on a Swarm has no Claude login, which would belong to one host: "
            "it takes claudeOauthToken or anthropicApiKey."
        )
    running = [one for one in engine.containers(prefix(stack), ROLE) if one.running]
    if not running:
        raise not_up(stack)
    if not sys.stdin.isatty():
        raise OperationError(f"the login asks for a code: run 'make login STACK={stack}' in a terminal.")
    return min(running, key=lambda one: (not one.healthy, one.name)).name


def main() -> int:
    """Becomes the login. Returns the exit status 1 with a sentence when there can be none."""
    parser = command_line("make login", __doc__)
    parser.add_argument("stack")
    stack = parser.parse_args().stack

    def operation() -> None:
        command = ["docker", "exec", "-it", container(stack, Engine()), "claude-login"]
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted

    return exit_status(operation)


if __name__ == "__main__":
    sys.exit(main())
