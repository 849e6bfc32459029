"""What a stack's containers, networks, volumes and images are called: ``litellm-claude-NAME``.

NAME is the stack's own until ``pulumi stack rename``. From then on the setting ``name`` holds the former one: new names
would be another gateway beside the one that serves, with an empty login.
"""

import os
from pathlib import Path

from ops.commands import OperationError, pulumi
from ops.key_rotation import Change
from ops.stack_file import StackFile
from ops.state import State
from rules.layout import PROJECT, stack_name
from rules.messages import sayer
from rules.stack_settings import setting

say = sayer("rename")

SETTING = "name"
LOGIN = "-claude-auth"


def prefix(stack: str, folder: Path = Path()) -> str:
    """Returns what the names of all that ``stack`` has begin with; it is the value of its label, too."""
    name = stack_name(stack)
    return f"{PROJECT}-{setting(SETTING, name, folder) or name}"


def made_as(state: State) -> str | None:
    """Returns the name under which the stack was made, None while it has nothing.

    The login's volume has it longest: it stays in the state of a production stack that is down.
    """
    for volume in state.in_force("volume"):
        name = str(volume["urn"]).rpartition("::")[2]
        if name.endswith(LOGIN):
            return name.removeprefix(f"{PROJECT}-").removesuffix(LOGIN)
    return state.label.removeprefix(f"{PROJECT}-") if state.label else None


def keep_names(state: State, stack: str) -> None:
    """Notes the former name of a stack that was renamed in its file, once, and says so.

    Raises:
        OperationError: when the file says another name than that of what there is.
    """
    made, name = made_as(state), stack_name(stack)
    if made is None or prefix(stack) == f"{PROJECT}-{made}":
        return
    if setting(SETTING, name, Path()):
        raise OperationError(
            f"name: what the stack has is called {PROJECT}-{made}-..., and cannot be renamed: it would be another "
            f"gateway with an empty login. Fix: pulumi config set --stack {stack} name {made}"
        )
    StackFile(stack).apply(Change({SETTING: made}, removed=()))
    if os.environ.get("PULUMI_OPTION_CONFIG_FILE"):  # the copy of the file with which this run goes on (ops/stack.sh)
        pulumi("config", "set", SETTING, made, stack=stack)
    say(
        f"the stack '{made}' is called '{name}' now; its containers, networks and volumes keep their names "
        f"(the setting name in Pulumi.{name}.yaml)"
    )
