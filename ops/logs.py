"""The last lines that each of a stack's containers has logged. ``make logs`` runs it.

``python -m ops.logs STACK``, in the stack's environment.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from ops.commands import OperationError, command_line, exit_status
from ops.engine import Engine
from ops.names import prefix
from rules.docker import EngineError
from setup.messages import tell
from setup.stack_settings import setting

LAST = ("--tail", "200")


def not_up(stack: str) -> OperationError:
    """Returns what to tell of a stack of which nothing is there."""
    return OperationError(f"the stack '{stack}' is not up. Run 'make up STACK={stack}' first.")


def parts(stack: str, engine: Engine) -> Iterator[tuple[str, str, str]]:
    """Yields role, name and last lines of each service, or of each container, running or not.

    The engine is asked which there are, because a stack's outputs are those of the last update that passed, if one has.

    Raises:
        OperationError: when there are none.
    """
    services = setting("orchestrator", stack, Path()) == "swarm"
    label = prefix(stack)
    named = engine.services(label) if services else [(one.role, one.name) for one in engine.containers(label)]
    if not named:
        raise not_up(stack)
    for role, name in sorted(named):
        try:
            yield role, name, engine.logged(name, *LAST) if services else engine.log(name, *LAST)
        except EngineError as error:
            yield role, name, f"({error}; ask again with make logs STACK={stack})\n"


def main() -> int:
    """Returns the exit status: 1 with a sentence when nothing of the stack is there."""
    parser = command_line("make logs", __doc__)
    parser.add_argument("stack")
    stack = parser.parse_args().stack

    def operation() -> None:
        for role, name, last in parts(stack, Engine()):
            tell(f"==> {role} ({name}) <==\n{last}")

    return exit_status(operation)


if __name__ == "__main__":
    sys.exit(main())
