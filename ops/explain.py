"""Why pulumi did not finish, as far as it is known: ``python -m ops.explain STACK TARGET [STATE [SAID]]``.

Looked for after a failure, so that a good run pays nothing for it. TARGET is make's, STATE a file backend's .pulumi
folder, SAID what pulumi said when it did not get as far as a stack.
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
KNOWN = {
    r"incorrect passphrase": (
        "this is not the passphrase of the stack '{name}'. Set PULUMI_CONFIG_PASSPHRASE or "
        "PULUMI_CONFIG_PASSPHRASE_FILE to the one that it was made with, or unset both when make made it."
    ),
    r"passphrase must be set": (
        "the stack '{name}' needs its passphrase: set PULUMI_CONFIG_PASSPHRASE_FILE (or PULUMI_CONFIG_PASSPHRASE)."
    ),
    r"unable to read PULUMI_CONFIG_PASSPHRASE_FILE: open (?P<what>.*): no such file": (
        "PULUMI_CONFIG_PASSPHRASE_FILE names {what}, which is not there. Put the passphrase into it, or, when make "
        "made the passphrase: unset PULUMI_CONFIG_PASSPHRASE_FILE"
    ),
    r'unable to open state directory "file://(?P<what>[^"]*)"': (
        "the state is kept in {what}, which is not there. For a new one: mkdir -p '{what}'. For the one that make "
        "keeps in this folder: unset PULUMI_BACKEND_URL, and pulumi logout"
    ),
    r"access token from PULUMI_ACCESS_TOKEN": (
        "PULUMI_ACCESS_TOKEN is set, so that the state is Pulumi Cloud's, and that gave none (see above). For the "
        "state that make keeps in this folder: unset PULUMI_ACCESS_TOKEN"
    ),
    r"invalid YAML file": (
        "Pulumi.{name}.yaml is no YAML: pulumi's message above names the line (the fault may be in an earlier one)."
    ),
    r"claude-auth[\s\S]*protect": (
        "the stack has another login volume than claudeAuthVolume names. make up STACK={stack} takes the named one and "
        "leaves the other as it is; a preview cannot show that."
    ),
}
"""What pulumi says, and the sentence with the command that fixes it."""
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
    for pattern, sentence in KNOWN.items():
        if found := re.search(pattern, said):
            return sentence.format(stack=stack, name=stack.rpartition("/")[2], **found.groupdict())
    if found := WRONG_TYPE.search(said):  # Pulumi's own check: it names the key, but not the way out
        key, kind = found.groups()
        forms = {"array": f"--path '{key}[0]' VALUE", "object": f"--path '{key}.NAME' VALUE"}
        how = EXAMPLES.get(key) or forms.get(kind, f"{key} VALUE")
        clear = f"pulumi config rm {key} --stack {stack}; " if kind in forms else ""  # or an old item stays
        return f"the setting '{key}' has a value of the wrong type. Fix: {clear}pulumi config set --stack {stack} {how}"
    return None


def explain(stack: str, target: str, state_folder: str, said: str = "") -> str:
    """Returns what to tell the operator; ``said`` is pulumi's own message, when there is no stack to look at."""
    name = stack.rpartition("/")[2]
    sentence = known(said or preview(stack), stack)
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
    sys.stderr.write(f"error: {explain(*sys.argv[1:3], *(sys.argv[3:5] or ['']))}\n")
