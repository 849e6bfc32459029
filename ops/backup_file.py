"""The one file that a backup is: its form, how it is written, and what is wrong with one that cannot be restored.

``python -m ops.backup_file STACK FILE [--engine HOST]`` checks it and prints the stack's settings file as its secrets
need it, with the salt or the data key: ops/restore.sh finds the passphrase by that.

Nothing secret stands in it in the clear. The state is as Pulumi exports it; ``sealed`` is a settings file in which
Pulumi itself has encrypted what volumes hold, by the stack's own passphrase or key service.
"""

import argparse
import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from ops.commands import OperationError, exit_status
from ops.state import ENGINE
from rules.docker import LOCAL
from rules.engines import fault
from rules.layout import PROJECT, stack_name
from rules.version import VERSION
from rules.yaml_file import YamlError, parsed, written

FORMAT = f"{PROJECT} backup 1"
OF_ENGINE = re.compile(rf" *({PROJECT}:)?docker(Host|CertPath):")
"""A line of a stack's file that says where its engine is."""


@dataclass(frozen=True)
class Backup:
    """What a backup holds. ``sealed`` has a secret for each of ``volumes``, under :func:`name_of_secret`."""

    stack: str
    made: str
    version: str
    settings: str
    sealed: str
    volumes: list[str]
    state: dict[str, Any]
    format: str = FORMAT


def name_of_secret(number: int) -> str:
    """Returns the name, in the sealed settings, of what the volume of this number holds."""
    return f"backup:volume{number}"


@contextlib.contextmanager
def reserved(path: Path) -> Iterator[None]:
    """Makes a new empty file that its owner alone can read, and takes it away again when the body fails.

    One that is empty has been left by a backup that was killed.

    Raises:
        OperationError: when there is such a file, or none can be made there.
    """
    try:
        if path.is_file() and path.stat().st_size == 0:
            path.unlink()
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise OperationError(f"{path} is there already. Give the backup another name: FILE=NAME") from None
    except OSError as error:
        raise OperationError(f"the backup cannot be written to {path}: {error.strerror}. Choose: FILE=NAME") from None
    try:
        yield
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size == 0:  # else another backup has taken it for a killed one's, and this is its own
                path.unlink()
        raise


def write(backup: Backup, path: Path) -> None:
    """Puts the backup in the place of the file that is reserved for it, once all of it is on the disk."""
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=path.parent) as folder:
        whole = Path(folder) / path.name
        whole.touch(mode=0o600)
        with whole.open("w") as file:
            json.dump(asdict(backup), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        whole.replace(path)


def read(path: Path, stack: str) -> Backup:
    """Returns the backup of ``stack`` in the file.

    Raises:
        OperationError: with what is wrong with it.
    """
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise OperationError(f"{path} cannot be read: {error.strerror}. Name a backup: FILE=NAME") from None
    except ValueError:
        raise OperationError(f"{path} is no backup, or was cut short: it is no JSON that make backup wrote") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise OperationError(f"{path} is no backup that this version knows: its format is not '{FORMAT}'")
    if found.get("version") != VERSION:
        raise OperationError(
            f"{path} was made by version {found.get('version')} of the project, and this is {VERSION}. Restore it with "
            "that version (git checkout of its tag), and bring the stack up with this one then"
        )
    try:
        backup = Backup(**found)
        whole = all(isinstance(text, str) for text in (backup.stack, backup.settings, backup.sealed)) and (
            bool(parsed(backup.sealed)) and "deployment" in backup.state
        )
    except (TypeError, YamlError):
        whole = False
    if not whole:
        raise OperationError(f"{path} is damaged: parts of the backup are missing. Take another one")
    name = stack_name(stack)
    if backup.stack != name:
        raise OperationError(
            f"{path} is a backup of the stack '{backup.stack}', not '{name}'. "
            f"Run: make restore STACK={backup.stack} FILE={quote(str(path))}"
        )
    return backup


def on_engine(backup: Backup, host: str | None) -> Backup:
    """Returns the backup for the engine at ``host`` in place of its own; as it is without one.

    Raises:
        OperationError: when ``host`` is no engine's, or certificates would be needed besides.
    """
    if not host:
        return backup
    if problem := fault(host, None):
        raise OperationError(
            f"ENGINE={host}: {problem[0]} {problem[1]}. "
            f"Example: ENGINE=ssh://USER@HOST, or for this machine ENGINE={LOCAL}"
        )
    resources = [_told_of(one, host) for one in backup.state["deployment"].get("resources") or []]
    state = {**backup.state, "deployment": {**backup.state["deployment"], "resources": resources}}
    return replace(backup, settings=_with(host, backup.settings), sealed=_with(host, backup.sealed), state=state)


def _told_of(resource: dict[str, Any], host: str) -> dict[str, Any]:
    if resource["type"] != ENGINE:
        return resource
    moved: dict[str, Any] = {
        name: {**resource[name], "host": host} for name in ("inputs", "outputs") if name in resource
    }
    for part in moved.values():
        part.pop("certPath", None)
    return {**resource, **moved}


def _with(host: str, settings: str) -> str:
    """Returns a stack's file with the setting ``dockerHost``, and its comments where it has the common form."""
    lines = [line for line in settings.splitlines(keepends=True) if not OF_ENGINE.match(line)]
    indent = next((found[1] for line in lines if (found := re.match(r"( +)[^ #]", line))), "  ")
    entry = f"{indent}{PROJECT}:dockerHost: {json.dumps(host)}\n"
    text = "".join(f"{line.rstrip()}\n{entry}" if line.rstrip() == "config:" else line for line in lines)
    whole = parsed(settings)
    config = {name: value for name, value in (whole.get("config") or {}).items() if not OF_ENGINE.match(f" {name}:")}
    return as_written(text, {**whole, "config": {**config, f"{PROJECT}:dockerHost": host}})


def as_written(text: str, wanted: dict[str, Any]) -> str:
    """Returns ``text`` where it is YAML that says ``wanted``, with its comments; else what says it without them."""
    with contextlib.suppress(YamlError):
        if parsed(text) == wanted:
            return text
    return written(wanted)


def main() -> int:
    """Returns the exit status: 1 with a sentence when the file cannot be restored."""
    parser = argparse.ArgumentParser(prog="python -m ops.backup_file")
    parser.add_argument("stack")
    parser.add_argument("file", type=Path)
    parser.add_argument("--engine", help="another engine than the backup's")
    arguments = parser.parse_args()
    return exit_status(lambda: on_engine(read(arguments.file, arguments.stack), arguments.engine).sealed)


if __name__ == "__main__":
    sys.exit(main())
