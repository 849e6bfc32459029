"""Writes a backup of a stack into one file. ``make backup`` runs it.

``python -m ops.backup STACK FILE``, in the project's folder and the stack's environment. What is in it: the settings
file, the state with keys and certificates, and the stack's volumes but for that of usage, which is as large as the
stack is busy. ops/backup_file.py says how each is kept secret; the passphrase is not in it.
"""

import shutil
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any

from ops import volumes
from ops.backup_file import Backup, name_of_secret, reserved, write
from ops.commands import OperationError, command_line, exit_status, pulumi
from ops.stack_file import StackFile
from ops.state import State, name_of
from rules.layout import stack_name
from rules.version import VERSION

LEFT_OUT = "-usage"
"""How the resource's name ends of the volume that is left out."""


def sealed(settings: Path, secrets: Mapping[str, str], stack: str) -> str:
    """Returns the settings file with ``secrets`` in it, encrypted by the stack's own passphrase or key service."""
    with tempfile.TemporaryDirectory(prefix="litellm-claude-") as folder:
        copy = Path(folder) / settings.name
        shutil.copy(settings, copy)
        # Without a secret there would be neither salt nor data key, and a wrong passphrase could not be told.
        for name, secret in {"backup:stack": stack, **secrets}.items():
            pulumi("config", "set", "--secret", name, "--config-file", str(copy), stack=stack, stdin=secret)
        return copy.read_text()


def backup(stack: str, path: Path, now: datetime) -> str:
    """Writes the backup, and returns what to say of it.

    Raises:
        OperationError: when the stack was never up, something cannot be read, or the file is there already.
    """
    settings = StackFile(stack).path
    with reserved(path):
        state = State.of(stack)
        if not state.resources:
            raise OperationError(f"the stack '{stack}' has nothing to back up yet. Run: make up STACK={stack}")
        engine = state.engine()
        wanted = [name_of(one) for one in state.in_force("volume") if not str(one["urn"]).endswith(LEFT_OUT)]
        there = [volume for volume in wanted if volumes.exists(engine, volume)]
        secrets = {name_of_secret(number): volumes.taken(engine, volume) for number, volume in enumerate(there)}
        write(
            Backup(
                stack=stack_name(stack),
                made=now.isoformat(timespec="seconds"),
                version=VERSION,
                settings=settings.read_text(),
                sealed=sealed(settings, secrets, stack),
                volumes=there,
                state=state.exported,
            ),
            path,
        )
    return (
        f"{path}: settings, keys and certificates, and the files of {', '.join(there) or 'no volume'}, encrypted.\n"
        "Keep the passphrase elsewhere: both together are the stack.\n"
        f"To restore: make restore STACK={stack} FILE={quote(str(path))}\n"
    )


def main() -> int:
    """Returns the exit status: 1 with a sentence when there is no backup."""
    now = datetime.now(UTC)
    parser = command_line("make backup", __doc__)
    parser.add_argument("stack")
    parser.add_argument("file", nargs="?", type=Path)
    arguments: Any = parser.parse_args()
    name = stack_name(arguments.stack)
    path = arguments.file or Path(f"{name}-{now:%Y-%m-%d}.backup")
    return exit_status(lambda: backup(arguments.stack, path, now))


if __name__ == "__main__":
    sys.exit(main())
