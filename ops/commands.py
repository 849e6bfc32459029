"""Runs pulumi, and says in a sentence when it fails. Nothing secret stands in an argument: it goes through stdin."""

import subprocess
import sys
from collections.abc import Callable

from rules.docker import EngineError
from rules.pulumi_errors import fix_for

INTERRUPTED = 130


class OperationError(Exception):
    """Something that stops the operation; its text is for the operator."""


def pulumi(*arguments: str, stack: str, stdin: str | None = None) -> str:
    """Returns what ``pulumi`` printed; the caller's own folder and environment decide on project and backend.

    Raises:
        OperationError: with pulumi's own words, when it fails, and what to do then where that is known.
    """
    command = ["pulumi", *arguments, "--stack", stack, "--non-interactive", "--color", "never"]
    done = subprocess.run(command, input=stdin or "", capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    if done.returncode:
        said = done.stderr.strip().removeprefix("error: ")
        todo = fix_for(said, stack)
        raise OperationError(f"pulumi {' '.join(arguments[:2])} failed: {said}" + (f"\n{todo}" if todo else ""))
    return done.stdout


def exit_status(operation: Callable[[], str | None]) -> int:
    """Prints what ``operation`` returns and gives 0, or the one sentence with which it failed, and 1."""
    try:
        printed = operation()
    except (OperationError, EngineError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted. What is half done, the next one completes\n")
        return INTERRUPTED
    sys.stdout.write(printed or "")
    return 0
