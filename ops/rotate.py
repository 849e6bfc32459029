"""Makes a new master key, or a client's; the old one is accepted for a while, or not at all. ``make rotate`` runs it.

``python -m ops.rotate STACK [--client NAME] [--overlap 24h] [--emergency]``, in the project's folder and the stack's
environment. A rotation is a change of configuration and an update. When the update fails, the old container serves on
with the old key, and the configuration is put back; when this process is killed, the next ``make up`` completes the
rotation.
"""

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ops.commands import OperationError, command_line, exit_status, pulumi
from ops.cutover import ROLE, Cutover, TasksCutover
from ops.key_rotation import Change, duration, rotation, shown
from ops.stack_file import StackFile
from ops.state import State, name_of
from ops.update import bring_up
from rules.messages import sayer
from rules.pulumi_types import SERVICE


@contextmanager
def alone() -> Iterator[None]:
    """Keeps a second rotation in this folder out: both would change the same file.

    Raises:
        OperationError: when another one runs.
    """
    folder = os.open(".", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise OperationError("another rotation runs in this folder; wait for it") from error
    finally:
        os.close(folder)


@dataclass(frozen=True)
class Serving:
    """What accepts keys. A container stands for its keys; a service stays when they change, so its secrets tell."""

    name: str
    declared: str = ""


def serving(stack: str) -> Serving | None:
    """Returns the LiteLLM container or service in force, if there is one."""
    state = State.of(stack)
    if (current := state.current(ROLE)) is None:
        return None
    found = state.engine().inspect("service", [str(current["id"])]) if current["type"] == SERVICE else []
    # As the Swarm has it, which may have gone back to what it was.
    declared = [one["Spec"]["TaskTemplate"]["ContainerSpec"] for one in found]
    return Serving(name_of(current), json.dumps(declared))


def refuse_without_key(stack: str) -> Serving:
    """Returns the LiteLLM container or service in force.

    Raises:
        OperationError: when there is none, so that there is no key to rotate.
    """
    if (found := serving(stack)) is None:
        raise OperationError(f"the stack {stack!r} is not up, so there is no key to rotate. Run: make up STACK={stack}")
    return found


def update(stack: str, change: Change, cutover: Cutover | TasksCutover | None = None) -> None:
    """Writes ``change`` and brings the stack up with it.

    Raises:
        OperationError: when the update failed, with what is in force now.
    """
    file, before = StackFile(stack), refuse_without_key(stack)
    with file.changed(change):
        succeeded = bring_up(stack, cutover or (lambda: None))
        if not succeeded:  # asked then alone: who does not answer must not put the old key back after a success
            now = serving(stack)
            if now is None:
                raise OperationError(
                    f"the update failed, and nothing changed: the configuration is as it was, with the keys that "
                    f"clients have. Bring the stack back: make up STACK={stack}"
                )
            if now == before:
                raise OperationError(
                    f"the update failed, so nothing changed: {before.name} serves on with the keys that it had, and "
                    f"the configuration is as it was. The update's own message is above; fix the cause and try again"
                )
    if cutover:
        cutover()
        if left := cutover.still_serving():
            raise OperationError(f"the old key is still accepted by {', '.join(left)}. {cutover.how_to_end(left)}")
    if not succeeded:
        raise OperationError(
            f"the new configuration is in force, but the update did not finish. Complete it: make up STACK={stack}"
        )


def rotate(stack: str, overlap: timedelta | None, client: str | None = None) -> str:
    """Rotates the master key, or a client's, and returns what to tell. Without ``overlap`` it is an emergency."""
    file = StackFile(stack)
    refuse_without_key(stack)
    change = rotation(file.keys(client), overlap, datetime.now(UTC), stack, client)
    # A client's streams may end by themselves; with the master key's old container all others would be cut off too.
    update(stack, change, None if overlap or client else _cutover(State.of(stack)))
    return report(stack, client)


def _cutover(state: State) -> Cutover | TasksCutover:
    found = state.current(ROLE)
    if found is None or not state.services():
        return Cutover(state)
    return TasksCutover(state.engine(), name_of(found), sayer("rotate"))


def report(stack: str, client: str | None = None) -> str:
    """Returns what is in force, and what to do next; no key stands in it."""

    def output(name: str) -> str:
        return pulumi("stack", "output", name, stack=stack).strip()

    keys = StackFile(stack).keys(client)
    if client:
        whose, read = f" CLIENT={client}", f"client NAME={client}"
        lines = [f"The key of the client '{client}' of '{stack}' is of generation {keys.generation}."]
    else:
        whose, read = "", "output NAME=master_key"
        lines = [f"The master key of '{stack}' is of generation {output('key_generation')}."]
    lines.append(f"  read it    make -s STACK={stack} {read}")
    if keys.previous_expires is None:
        lines.append("  old key    refused")
        return "\n".join(lines) + "\n"
    if client:
        old = keys.previous_generation
        used = f'"client": "{client}", "generation": "{old}"'
    else:
        old = output("previous_key_generation")
        used = f'"key_generation": "{old}"'
    lines += [
        f"  old key    generation {old}, accepted until {shown(keys.previous_expires)}, then refused by itself",
        f"  who        make -s STACK={stack} logs SINCE=1h | grep '{used}'   (and its source)",
        f"  retire     make retire STACK={stack}{whose}   (refuses the old key before that)",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Returns the exit status: 1 with a sentence when the key was not rotated."""
    parser = command_line("make rotate", __doc__)
    parser.add_argument("stack")
    parser.add_argument("--overlap", default="24h", help="how long the old key is accepted: 30m, 24h, 7d")
    parser.add_argument("--emergency", action="store_true", help="refuse the old key at once, cut its streams")
    parser.add_argument("--client", help="the client whose key it is; without it, the master key")
    arguments = parser.parse_args()
    os.nice(10)  # what serves goes first

    def operation() -> str:
        with alone():
            overlap = None if arguments.emergency else duration(arguments.overlap)
            return "\n" + rotate(arguments.stack, overlap, arguments.client)

    return exit_status(operation)


if __name__ == "__main__":
    sys.exit(main())
