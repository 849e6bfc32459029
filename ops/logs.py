"""The last lines that each of a stack's containers has logged. ``make logs`` runs it.

``python -m ops.logs STACK [--since 1h]``, in the stack's environment.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ops.commands import OperationError, command_line, exit_status
from ops.engine import Engine
from ops.key_rotation import duration
from ops.names import prefix
from rules.docker import EngineError
from rules.messages import tell
from rules.stack_settings import setting

LAST = ("--tail", "200")
"""What docker is asked for when nobody says since when."""


def not_up(stack: str) -> OperationError:
    """Returns what to tell of a stack of which nothing is there."""
    return OperationError(f"the stack '{stack}' is not up. Run 'make up STACK={stack}' first.")


def parts(stack: str, engine: Engine, which: Sequence[str] = LAST) -> Iterator[tuple[str, str, str]]:
    """Yields role, name and lines, as docker's options say, of each service, or of each container, running or not.

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
            yield role, name, engine.logged(name, *which) if services else engine.log(name, *which)
        except EngineError as error:
            yield role, name, f"({error}; ask again with make logs STACK={stack})\n"


def main() -> int:
    """Returns the exit status: 1 with a sentence when nothing of the stack is there."""
    parser = command_line("make logs", __doc__)
    parser.add_argument("stack")
    parser.add_argument("--since", help="how far back: 30m, 24h, 7d; without it the last 200 lines")
    arguments = parser.parse_args()

    def operation() -> None:
        which = LAST
        if arguments.since:
            which = ("--since", f"{duration(arguments.since, 'SINCE').total_seconds():.0f}s")
        for role, name, lines in parts(arguments.stack, Engine(), which):
            tell(f"==> {role} ({name}) <==\n{lines}")

    return exit_status(operation)


if __name__ == "__main__":
    sys.exit(main())
