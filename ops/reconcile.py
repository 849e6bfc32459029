"""Repairs what a failed or killed update left behind, so that what served before goes on and nothing is there twice.

``python -m ops.reconcile STACK [--after-failure | --before-down]``. Nobody else may be updating the stack
(ops/repair_file_backend.py looks).

- A replacement that never got healthy is removed. What it was to replace still serves (it would have been deleted only
  afterwards) and becomes the one in force again, in the state too. Left alone, the next update would take the failed
  container for a good one, since Pulumi does not wait for it a second time, and delete the one that serves.
- A container that failed, and had nothing to replace, is removed, so that the next update makes it anew and waits.
- What is stopped, renamed, disconnected or gone is brought back, or made anew by the next update (ops/presence.py).
  ``--before-down`` leaves that out: nothing is started only to be deleted.
- With ``--after-failure`` a replacement is undone even if it is healthy: the update that just failed has refused it.
- A container of this stack that the state does not know is removed: an engine that stopped in the middle of an update
  has made containers of which Pulumi never heard. Another working copy's stack of the same name shares the label, but
  not the networks, and is left alone.
"""

import sys
from dataclasses import dataclass

from ops.another_engine import refuse_another_engine
from ops.commands import command_line, exit_status
from ops.engine import Engine
from ops.names import keep_names
from ops.presence import absent
from ops.state import KINDS, State, name_of, role_of
from rules.messages import sayer

say = sayer("reconcile")


@dataclass(frozen=True)
class Removal:
    """A container to remove, after ``grace_seconds`` by force, and why. That of a healthy one is not in its log."""

    id: str
    name: str
    why: str
    healthy: bool
    grace_seconds: int = 0


def undo_failed(state: State, engine: Engine, *, after_failure: bool) -> list[Removal]:
    """Undoes failed containers in ``state`` and returns those to remove."""
    current = [one for one in state.containers() if not one.get("delete") and (one.get("initErrors") or after_failure)]
    replaced = {one["urn"]: state.superseded(one["urn"]) for one in current}
    serving = {
        urn: next((old for old in superseded if engine.serves(old["id"], role_of(old))), None)
        for urn, superseded in replaced.items()
    }
    # One that drains, or is gone, says that the switch was made. Then all of the new ones stay: they name each other.
    switched = any(replaced[one["urn"]] and not serving[one["urn"]] for one in current if not one.get("initErrors"))
    removals = []
    for container in current:
        failed, good = bool(container.get("initErrors")), serving[container["urn"]]
        if not failed and (switched or good is None):
            continue  # the next update completes it
        if good is not None:
            state.reinstate(container, good)
            say(f"{name_of(good)} goes on serving")
        # A healthy one may be answering requests by now.
        grace = 0 if failed else int((container.get("inputs") or {}).get("destroyGraceSeconds") or 0)
        why = "which never became healthy" if failed else "which the failed update has made"
        removals.append(Removal(container["id"], name_of(container), why, not failed, grace))
    return removals


def strays(state: State, engine: Engine) -> list[Removal]:
    """Returns the containers that belong to this very stack and are not in its state."""
    if state.label is None or state.services():  # the tasks of a service are the Swarm's
        return []
    known = {container["id"] for container in state.containers()}
    networks = state.networks()
    return [
        Removal(
            found.id,
            found.name,
            "which an interrupted update has left",
            found.healthy,
            state.grace_seconds(found.role) if found.healthy else 0,  # a healthy one may be answering requests by now
        )
        for found in engine.containers(state.label)
        if found.id not in known and found.networks & networks
    ]


def reconcile(
    stack: str, state: State | None = None, *, after_failure: bool = False, before_down: bool = False
) -> None:
    """Undoes failed containers, removes stray ones and, unless the stack goes down, brings back what is absent.

    The state is saved first, changed or not: the backend refuses that while another update holds the stack, and then
    no container is touched. What an interruption leaves behind after that is a stray, which the next call removes.

    Raises:
        OperationError: when the stack is held, or the engine does not do as it is told.
    """
    state = state or State.of(stack)
    if not any(map(state.in_force, KINDS)):
        return
    if before_down and not state.provider().get("host"):
        refuse_another_engine(state, stack)
    if before_down:
        keep_names(state, stack)  # with the containers goes what else has the name
    engine = state.engine()
    stray = strays(state, engine)
    failed = undo_failed(state, engine, after_failure=after_failure)
    if stray or failed:
        state.save()
    # What others need comes first in the state, and goes last here.
    for removal in (*reversed(failed), *stray):
        say(f"removing {removal.name}, {removal.why}")
        if tail := "" if removal.healthy else engine.log_tail(removal.id):
            say(f"its log ends with:\n{tail}")
        engine.remove(removal.id, removal.grace_seconds)
    if not before_down and (gone := absent(state, engine)):
        state.refresh(gone)


def main() -> int:
    """Returns the exit status: 1 with a sentence when something could not be repaired."""
    parser = command_line("python -m ops.reconcile", __doc__)
    parser.add_argument("stack")
    parser.add_argument("--after-failure", action="store_true", help="an update has just failed")
    parser.add_argument("--before-down", action="store_true", help="the stack is about to be taken down")
    arguments = parser.parse_args()

    def operation() -> None:
        reconcile(arguments.stack, after_failure=arguments.after_failure, before_down=arguments.before_down)

    return exit_status(operation)


if __name__ == "__main__":
    sys.exit(main())
