"""Runs what an operator asks for, and says in a sentence when it fails."""

import argparse
import sys
from collections.abc import Callable

from rules import pulumi_command
from rules.docker import EngineError
from rules.interrupts import INTERRUPTED, heed
from rules.messages import tell
from rules.pulumi_command import PulumiError


class OperationError(Exception):
    """Something that stops the operation; its text is for the operator."""


def pulumi(*arguments: str, stack: str, stdin: str = "") -> str:
    """Returns what ``pulumi`` printed; the caller's own folder and environment decide on project and backend.

    Raises:
        OperationError: with pulumi's own words, when it fails, and what to do then where that is known.
    """
    try:
        return pulumi_command.output(*arguments, stack=stack, stdin=stdin)
    except PulumiError as error:
        raise OperationError(str(error)) from None


def command_line(program: str, told: str | None) -> argparse.ArgumentParser:
    """Returns the parser of a command, which describes it with the first line of its module's description."""
    return argparse.ArgumentParser(prog=program, description=(told or "").partition("\n")[0])


def exit_status(operation: Callable[[], str | None]) -> int:
    """Prints what ``operation`` returns and gives 0, or the one sentence with which it failed, and 1."""
    try:
        heed()
        printed = operation()
    except (OperationError, EngineError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except OSError as error:  # a full disk, a folder of somebody else's
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"error: {where}{error.strerror or error}. Correct that, and run the same again\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted. What is half done, the next one completes\n")
        return INTERRUPTED
    tell(printed or "")
    return 0
