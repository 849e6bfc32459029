"""A running stack whose setting ``dockerHost`` names another engine: the update would leave it there, and serving.

Pulumi takes the new address, sees no change of anything else, and forgets the former engine. The next update would make
the stack anew on the new one, with an empty login, beside containers that go on with the same keys and that nobody
updates any more. Another way to the same engine (ssh, then TLS) is no move: there the containers are found.
"""

from pathlib import Path

from ops.commands import OperationError
from ops.decrypted_setting import decrypted
from ops.engine import Engine
from ops.state import State
from rules.docker import LOCAL, EngineError


def refuse_another_engine(state: State, stack: str) -> None:
    """Stops when nothing of the stack is on the engine of its settings, or of the shell, but on that of its state.

    Raises:
        OperationError: with the command that goes back, and how it moves.
    """
    wanted, was = str(decrypted("dockerHost", stack, Path()) or ""), state.provider()
    known = str(was.get("host") or "")
    new = Engine(wanted or None, decrypted("dockerCertPath", stack, Path()) or None)
    old = Engine(known or LOCAL, was.get("certPath"))
    if old.host == new.host or not (state.containers() or state.services()) or _holds(new, state):
        return
    back = f"pulumi config {f'set dockerHost {known}' if known else 'rm dockerHost'} --stack {stack}"
    if not (known or wanted):  # the other one is the shell's, or that of its docker context
        back = f"export DOCKER_HOST={old.host}"
    try:
        there = _holds(old, state)
    except EngineError as error:
        if not known:
            return  # it was not on this machine then
        raise OperationError(
            f"dockerHost: the stack was brought up on {old.host}, which does not answer ({error}). If that engine is "
            f"lost, let Pulumi know the new one, and make everything there anew: pulumi up --yes --stack {stack} && "
            f"make up STACK={stack}. If it is not: {back}"
        ) from None
    if there:
        raise OperationError(
            f"dockerHost: the stack runs on {old.host}, and nothing of it is on {new.host}: it would go on there, with "
            f"its keys. Fix: {back}. To move it: docs/engines.md, 'A stack that moves'"
        )


def _holds(engine: Engine, state: State) -> bool:
    parts = {"container": state.containers(), "service": state.services()}
    return any(engine.inspect(kind, [str(one["id"]) for one in ours if one.get("id")]) for kind, ours in parts.items())
