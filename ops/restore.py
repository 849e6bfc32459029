"""Restores a stack from a backup, on a machine that does not have it. ``make restore`` runs it.

``python -m ops.restore STACK FILE [--engine HOST]``, in the project's folder and the environment that ops/restore.sh
has made.

All of it is tried first in a backend of its own, in a folder that goes again: a wrong passphrase, or a state that
Pulumi does not take, ends there. What is in the state but not on the engine, ``make up`` brings back.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ops import volumes
from ops.backup_file import Backup, as_written, name_of_secret, on_engine, read
from ops.commands import OperationError, command_line, exit_status, pulumi
from ops.engine import Engine
from ops.stack_file import file_of
from ops.state import State, name_of
from rules.layout import PROJECT, stack_name
from rules.state_file import url_of
from rules.yaml_file import parsed, written

BACKEND = "PULUMI_BACKEND_URL"


@contextmanager
def elsewhere(backup: Backup) -> Iterator[None]:
    """A project with a backend of its own, in a folder that goes again; its settings are the sealed ones."""
    folder, backend = Path.cwd(), os.environ.get(BACKEND)
    with tempfile.TemporaryDirectory(prefix="litellm-claude-") as made:
        try:
            os.chdir(made)
            os.environ[BACKEND] = url_of(made)
            Path("Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
            Path(file_of(backup.stack)).write_text(backup.sealed)
            yield
        finally:
            os.chdir(folder)
            os.environ.pop(BACKEND)
            if backend is not None:
                os.environ[BACKEND] = backend


def opened(backup: Backup) -> dict[str, str]:
    """Returns what each volume is to hold, once Pulumi has taken the state and decrypted everything in it.

    Raises:
        OperationError: when the passphrase is another one, or the state is damaged.
    """
    with elsewhere(backup):
        try:
            pulumi("stack", "select", "--create", stack=backup.stack)
            State(backup.stack, backup.state).save()
            pulumi("stack", "export", "--show-secrets", stack=backup.stack)
            return {
                volume: pulumi("config", "get", name_of_secret(number), stack=backup.stack).rstrip("\n")
                for number, volume in enumerate(backup.volumes)
            }
        except OperationError as error:
            if "passphrase" not in str(error):
                raise
            raise OperationError(
                f"the backup was encrypted with another passphrase. Put the stack's own into "
                f".pulumi-passphrase-{backup.stack}, or set PULUMI_CONFIG_PASSPHRASE_FILE. Nothing was changed"
            ) from None


def refuse_overwriting(stack: str, backup: Backup, engine: Engine) -> None:
    """Stops when the backend has such a stack, or a volume on the engine has files in it.

    Raises:
        OperationError: with the commands that make room.
    """
    listed = json.loads(pulumi("stack", "ls", "--json", stack=stack))
    if any(stack_name(str(one["name"])) == backup.stack for one in listed):
        raise OperationError(
            f"there is a stack '{backup.stack}' in this backend already, and a restore overwrites nothing. "
            f"To give it up: make down STACK={stack} && pulumi stack rm --force --preserve-config {stack}"
        )
    for volume in backup.volumes:
        if volumes.exists(engine, volume) and volumes.holds_something(engine, volume):
            raise OperationError(
                f"the volume {volume} on the engine holds files already, and a restore overwrites nothing. "
                f"To give them up: {engine.typed} volume rm {volume}"
            )


def restore(stack: str, path: Path, host: str | None = None) -> str:
    """Restores the stack, on the engine at ``host`` or its own one, and returns what to say of it.

    Raises:
        OperationError: with what is wrong; then nothing that was there is changed.
    """
    backup = on_engine(read(path, stack), host)
    state = State(stack, backup.state)
    engine = state.engine()
    refuse_overwriting(stack, backup, engine)
    aside(backup)
    contents = opened(backup)
    for volume, archive in contents.items():
        volumes.fill(engine, volume, archive, labels_of(state, volume))
    kept = place(backup)
    pulumi("stack", "select", "--create", stack=stack)
    state.save()
    Path(file_of(backup.stack)).write_text(backup.settings)  # without what is in the state
    return (
        f"restored the stack '{stack}' of {backup.made}: settings, keys and certificates"
        f"{''.join(f', the files of {volume}' for volume in contents)}.\n{kept}Bring it up: make up STACK={stack}\n"
    )


def labels_of(state: State, volume: str) -> dict[str, str]:
    """Returns the labels that the stack has declared for a volume, which cannot be changed later."""
    declared = [one["inputs"] for one in state.in_force("volume") if name_of(one) == volume]
    return {one["label"]: one["value"] for inputs in declared for one in inputs.get("labels") or []}


def aside(backup: Backup) -> Path | None:
    """Returns under which name the settings file that stands there is kept, None when it is none or the same.

    Raises:
        OperationError: when that name is taken.
    """
    path = Path(file_of(backup.stack))
    if not path.exists() or path.read_text() == backup.settings:
        return None
    name = Path(f"{path}.before-restore")
    if name.exists():
        raise OperationError(f"{name} is there from an earlier restore. Look at it, and move it away")
    return name


def place(backup: Backup) -> str:
    """Writes the settings, with the salt or data key; returns what to say of a file that stood there."""
    path, kept = Path(file_of(backup.stack)), ""
    if name := aside(backup):
        path.rename(name)
        kept = f"{path} was another one; that is {name} now.\n"
    settings = parsed(backup.settings)
    added = {name: value for name, value in parsed(backup.sealed).items() if name not in {"config", *settings}}
    path.write_text(_with(added, backup.settings))
    return kept


def _with(added: dict[str, Any], settings: str) -> str:
    """Returns a stack's file with more at its top, and its comments where it has the common form."""
    if not added:
        return settings
    text = f"{settings.rstrip()}\n{written(added)}"
    return as_written(text, {**parsed(settings), **added})


def main() -> int:
    """Returns the exit status: 1 with a sentence when the stack was not restored."""
    parser = command_line("make restore", __doc__)
    parser.add_argument("stack")
    parser.add_argument("file", type=Path)
    parser.add_argument("--engine", help="another engine than the one that the stack was on: ssh://USER@HOST")
    arguments = parser.parse_args()
    return exit_status(lambda: restore(arguments.stack, arguments.file, arguments.engine))


if __name__ == "__main__":
    sys.exit(main())
