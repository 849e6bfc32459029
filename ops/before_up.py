"""What ``make up`` looks at before Pulumi runs: ``python -m ops.before_up [--look] STACK``. The state is read once.

With ``--look``, for a preview, nothing is changed: only what would stop an update is said.

- A stack that was renamed keeps the names of what it is made of, the login's volume too (ops/names.py).
- What a failed or killed update left is repaired, and what is absent brought back (ops/reconcile.py).
- Another engine than the one on which the stack runs stops it (ops/another_engine.py).
- A previous key that the stack never had stops it, and so does an earlier one that it has no more (ops/lost_keys.py).
- An expired certificate stops it when it is new to the stack. One that it serves already does not: what a person must
  do then is printed, for ops/up.sh to say at the end.
- An engine or a shell with which it cannot work stops it (ops/preflight.py).
- A bundled image that is not on the engine stops it: no registry has it.
- A port that another program has stops the update before anything is replaced (ops/taken_ports.py).
- The files of an adopted volume are handed over; one that takes another's place in the stack leaves that as it is.
"""

import sys
from pathlib import Path

from ops import adopt, certificate, preflight, taken_ports
from ops.another_engine import refuse_another_engine
from ops.commands import OperationError, command_line, exit_status, pulumi
from ops.decrypted_setting import decrypted
from ops.engine import Engine
from ops.lost_keys import refuse_lost_keys
from ops.names import keep_names, prefix
from ops.reconcile import reconcile
from ops.state import State, name_of
from rules import bundle
from rules.layout import STACK_LABEL, stack_name
from rules.stack_settings import setting
from rules.unquoted_times import day


def held(state: State, engine: Engine) -> set[tuple[str, int]]:
    """Returns the addresses and ports that the stack's own running containers have."""
    known = [one["id"] for one in state.containers() if one.get("id")]
    if state.services() and state.label:
        known += [task.id for task in engine.containers(state.label)]
    own = engine.inspect("container", known)
    return {
        (binding["HostIp"] or "0.0.0.0", int(binding["HostPort"]))  # noqa: S104 - what the engine means
        for container in own
        if container["State"]["Running"]
        for bindings in (container["HostConfig"].get("PortBindings") or {}).values()
        for binding in bindings or []
    }


def refuse_taken_ports(state: State, engine: Engine, name: str) -> None:
    """Stops when something else listens on the gateway's ports; what the stack's own containers have is theirs.

    Raises:
        OperationError: with a sentence for each port.
    """
    if not engine.local:
        return
    if problems := taken_ports.problems(name, Path(), held(state, engine)):
        known = {str(one.get("id")) for one in state.containers()}
        there = [] if state.services() else engine.containers(prefix(name))
        if twins := [one.name for one in there if one.running and one.id not in known]:
            problems.append(
                f"{', '.join(twins)} belong to a stack '{name}' of another working copy: take that down there "
                f"(make down STACK={name}), or give this one another name. If that copy or its state is lost, end "
                f"them, and their login stays: {engine.typed} rm --force {' '.join(twins)} && "
                f"{engine.typed} network ls -q --filter label={STACK_LABEL}={prefix(name)} | "
                f"xargs {engine.typed} network rm"
            )
        raise OperationError("\nerror: ".join(problems))


def refuse_absent_images(engine: Engine, stack: str) -> None:
    """Stops when the working copy's images came in a bundle, and this engine does not have them.

    Raises:
        OperationError: with the command that brings them.
    """
    names = bundle.images().values()
    if names and engine.run("image", "inspect", *names, check=False).returncode:
        raise OperationError(
            "the engine does not have the images that came in a bundle. "
            f"Fix: make up BUNDLE=FILE STACK={stack}; to build them here instead: rm -r .toolchain/bundle"
        )


def let_go_of_the_volume(state: State, stack: str) -> None:
    """Lifts Pulumi's protection of the login's volume when the stack adopts another one.

    What keeps the old one on the engine is ``retainOnDelete``, which stays.
    """
    for volume in state.in_force("volume"):
        wanted = adopt.volume_of(stack)
        if volume.get("protect") and name_of(volume) not in {"", wanted}:
            adopt.say(f"the stack's login is in the volume {wanted} from now on; {name_of(volume)} stays as it is")
            pulumi("state", "unprotect", volume["urn"], "--yes", stack=stack)


def refuse_invented_keys(state: State, stack: str, folder: Path) -> None:
    """Stops when a previous key is to be accepted that the stack never had: Pulumi would make one.

    Raises:
        OperationError: with the commands that take the setting back.
    """
    name = stack_name(stack)
    wanted = {}
    if not setting("previousMasterKey", name, folder):  # with it, the generation is a word for a configured key
        wanted["master-key"] = ("", decrypted("previousKeyRotation", stack, folder))
    clients = setting("clients", name, folder)
    for client, rules in clients.items() if isinstance(clients, dict) else ():
        if isinstance(rules, dict):  # what is none has rules of its own that refuse it
            wanted[f"client-{client}-key"] = (f"clients.{client}.", rules.get("previousKeyRotation"))
    known = {str(resource["urn"]).rpartition("::")[2] for resource in state.resources}
    for key, (path, told) in wanted.items():
        previous = day(told)
        if previous and f"{prefix(stack)}-{key}-{previous}" not in known:
            commands = [
                f"pulumi config rm --stack {stack} --path '{path}{wrong}'"
                for wrong in ("previousKeyRotation", "previousKeyExpires")
            ]
            raise OperationError(
                f"{path}previousKeyRotation: the stack never had a key of {previous}, so no client has it. "
                f"Fix: {' && '.join(commands)}"
            )


def prepare(stack: str, *, look: bool = False) -> str | None:
    """Does all of it, or only looks. Returns what a person must do although the update can go on.

    Raises:
        OperationError: with what a person must do.
    """
    name = stack_name(stack)
    state = State.of(stack)
    refuse_another_engine(state, stack)
    engine = state.engine()
    keep_names(state, stack)
    refuse_invented_keys(state, stack, Path())
    refuse_lost_keys(state, stack, Path())
    todo = certificate.expired(state, stack, Path())
    preflight.refuse(name, engine, len(state.in_force("network")))
    refuse_absent_images(engine, name)
    if not look:
        reconcile(stack, state)
    refuse_taken_ports(state, engine, name)
    if not look:
        if setting("orchestrator", name, Path()) != "swarm":  # there nobody works with the login's volume
            adopt.hand_over(stack, engine)
        let_go_of_the_volume(state, stack)
    return todo


def main() -> int:
    """Returns the exit status: 1 with a sentence when a person must do something first."""
    parser = command_line("python -m ops.before_up", __doc__)
    parser.add_argument("stack")
    parser.add_argument("--look", action="store_true", help="change nothing")
    arguments = parser.parse_args()
    return exit_status(lambda: prepare(arguments.stack, look=arguments.look))


if __name__ == "__main__":
    sys.exit(main())
