"""Containers on a stack's networks that are none of the stack's: ``python -m ops.guests STACK`` before it goes down.

The engine keeps a network that somebody is on. Pulumi would wait for half a minute, say so in its provider's words, and
leave the stack half there.
"""

import sys

from ops.commands import OperationError, exit_status
from ops.engine import Engine
from ops.state import State


def refuse(stack: str, state: State, engine: Engine) -> None:
    """Stops when somebody else is on the networks that go with the stack.

    Raises:
        OperationError: with the commands that let the networks go.
    """
    if state.services():
        return  # a Swarm takes its own endpoints for containers
    own = {str(one.get("id")) for one in state.containers()}
    if state.label:
        own |= {one.id for one in engine.containers(state.label)}
    found = [
        (str(other["Name"]), str(network["Name"]))
        for network in engine.inspect("network", [one["id"] for one in state.in_force("network") if one.get("id")])
        for identifier, other in (network.get("Containers") or {}).items()
        if identifier not in own
    ]
    if found:
        names = ", ".join(sorted({name for name, _ in found}))
        commands = [f"{engine.typed} network disconnect --force {network} {name}" for name, network in found]
        raise OperationError(
            f"on the stack's networks is what does not belong to it, and holds them: {names}. Nothing was taken down. "
            f"Fix: {' && '.join([*commands, f'make down STACK={stack}'])}"
        )


def look(stack: str) -> None:
    """Reads the state, and stops when somebody is there."""
    state = State.of(stack)
    refuse(stack, state, state.engine())


if __name__ == "__main__":
    sys.exit(exit_status(lambda: look(sys.argv[1])))
