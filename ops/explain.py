"""Why pulumi did not finish, as far as it is known: ``python -m ops.explain STACK TARGET STATE SAID``.

Looked for after a failure, so that a good run pays nothing for it. TARGET is make's, STATE a file backend's .pulumi
folder or nothing, SAID what pulumi said when it did not get as far as a stack, or nothing.
"""

import sys
from pathlib import Path

from ops import preflight
from ops.before_up import refuse_taken_ports
from ops.commands import OperationError
from ops.repair_file_backend import check_locks
from ops.state import State
from rules import pulumi_command, state_file
from rules.docker import EngineError
from rules.layout import stack_name
from rules.pulumi_command import PulumiError
from rules.pulumi_errors import fix_for

SECONDS = 60


def preview(stack: str) -> str:
    """What pulumi says of the stack now, on both channels."""
    try:
        done = pulumi_command.call("preview", stack=stack, seconds=SECONDS)
    except PulumiError:
        return ""
    return done.stdout + done.stderr


def explain(stack: str, target: str, state_folder: str, said: str = "") -> str:
    """Returns what to tell the operator; ``said`` is pulumi's own message, when there is no stack to look at."""
    name = stack_name(stack)
    if state_folder and target != "preview":  # which takes no lock, and so cannot have failed by one
        try:
            check_locks(Path(state_folder), name)
        except SystemExit as held:
            return str(held).removeprefix("error: ")
    sentence = fix_for(said or preview(stack), stack)
    if sentence or said:
        return sentence or unknown(stack, target)
    try:
        if state_folder:
            state_file.checkpoint(Path(state_folder), name)
        state = State.of(stack)
        preflight.refuse(name, state.engine(), len(state.in_force("network")))
        refuse_taken_ports(state, state.engine(), name)
    except (OperationError, EngineError) as fault:
        return str(fault)
    except SystemExit as stop:
        return str(stop).removeprefix("error: ")
    return unknown(stack, target)


def unknown(stack: str, target: str) -> str:
    """Returns what holds whatever the cause is."""
    return (
        "pulumi did not finish; its own message is above. Nothing is lost: "
        f"fix the cause and run 'make {target} STACK={stack}' again."
    )


if __name__ == "__main__":
    sys.stderr.write(f"error: {explain(*sys.argv[1:])}\n")
