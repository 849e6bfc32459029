"""Why pulumi did not finish, as far as it is known: ``python -m ops.explain STACK TARGET [STATE]``, after a failure.

Looked for afterwards, so that a good run pays nothing for it. TARGET is make's, STATE a file backend's .pulumi folder.
"""

import re
import subprocess
import sys
from pathlib import Path

from ops import preflight
from ops.before_up import refuse_taken_ports
from ops.commands import OperationError
from ops.state import State
from rules.configuration import EXAMPLES
from rules.docker import EngineError
from setup import state_file

SECONDS = 60
WRONG_TYPE = re.compile(r"configuration key '([^']+)' must be of type '([^'<]+)")


def preview(stack: str) -> str:
    """What pulumi says of the stack now, on both channels."""
    command = ["pulumi", "preview", "--stack", stack, "--non-interactive", "--color", "never"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)  # noqa: S603 - no shell
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout + done.stderr


def known(said: str, stack: str) -> str | None:
    """Returns a sentence with the command that fixes what pulumi said, or None."""
    name = stack.rpartition("/")[2]
    if "incorrect passphrase" in said:
        return (
            f"this is not the passphrase of the stack '{name}'. Set PULUMI_CONFIG_PASSPHRASE or "
            "PULUMI_CONFIG_PASSPHRASE_FILE to the one that it was made with, or unset both when make made it."
        )
    if "passphrase must be set" in said:
        return (
            f"the stack '{name}' needs its passphrase: set PULUMI_CONFIG_PASSPHRASE_FILE (or PULUMI_CONFIG_PASSPHRASE)."
        )
    if found := WRONG_TYPE.search(said):  # Pulumi's own check: it names the key, but not the way out
        key, kind = found.groups()
        forms = {"array": f"--path '{key}[0]' VALUE", "object": f"--path '{key}.NAME' VALUE"}
        how = EXAMPLES.get(key) or forms.get(kind, f"{key} VALUE")
        clear = f"pulumi config rm {key} --stack {stack}; " if kind in forms else ""  # or an old item stays
        return f"the setting '{key}' has a value of the wrong type. Fix: {clear}pulumi config set --stack {stack} {how}"
    if "claude-auth" in said and "protect" in said:
        return (
            f"the stack has another login volume than claudeAuthVolume names. make up STACK={stack} takes the named "
            "one and leaves the other as it is; a preview cannot show that."
        )
    return None


def explain(stack: str, target: str, state_folder: str) -> str:
    """Returns what to tell the operator."""
    name = stack.rpartition("/")[2]
    if sentence := known(preview(stack), stack):
        return sentence
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
    return (
        "pulumi did not finish; its own message is above. Nothing is lost: "
        f"fix the cause and run 'make {target} STACK={stack}' again."
    )


if __name__ == "__main__":
    sys.stderr.write(f"error: {explain(sys.argv[1], sys.argv[2], ''.join(sys.argv[3:4]))}\n")
