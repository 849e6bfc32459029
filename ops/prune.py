"""Removes what updates leave behind: ``python -m ops.prune STACK STATE``, after an update and after ``make down``.

STATE is a file backend's .pulumi folder, or nothing.

- Images that the stack has built for an earlier version of ``images/``, or that came in an earlier bundle (not today:
  another working copy's are called the same), and that no container uses; of a Swarm's, which are in its registry too,
  the names here.
- In a file backend, all but the newest copies of the state: Pulumi writes two at every update, and prunes none.

Logs have bounds already: the containers' own (components/container.py), and Pulumi's (setup/environment.py).
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from ops.commands import OperationError
from ops.engine import Engine
from ops.names import prefix
from ops.state import State
from rules import bundle
from rules.docker import EngineError
from rules.layout import PROJECT, stack_name
from rules.messages import sayer
from rules.pulumi_types import TAG

say = sayer("prune")

KEPT = 50
"""Copies of each kind: two months of a daily update, and less than 20 MB."""
COPY = re.compile(r"[.-](\d{12,})\.")
"""Pulumi names a copy by the time in nanoseconds; all files of one copy (its notes too) share it."""


def outdated(tags: Iterable[str], name: str, used: Iterable[str]) -> list[str]:
    """Returns those image names that the stack called ``name`` has built and no longer declares.

    Version 0.1 had one name for all stacks: such an image may be another one's, built and not used yet.
    """
    own = re.compile(rf"(?:\S+/)?{PROJECT}/[a-z]+:[0-9a-f]{{12}}-{re.escape(name)}|{re.escape(bundle.REPOSITORY)}/.+")
    return sorted(set(filter(own.fullmatch, tags)) - set(used))


def images(stack: str, state: State, engine: Engine) -> list[str]:
    """Removes the stack's outdated images and returns their names; what a container uses stays.

    A stack that is down declares none: its newest images stay for the next ``make up``, so that nothing is removed.
    """
    used = [str((image.get("inputs") or {}).get("name")) for image in state.in_force("image")]
    if not used:
        return []
    used += bundle.images().values()
    pushed = _pushed(state)
    used += pushed
    places = sorted({name.rpartition("/")[0] for name in pushed})
    ours = [part for start in (PROJECT, bundle.REPOSITORY, *places) for part in ("--filter", f"reference={start}/*")]
    tags = engine.run("image", "ls", *ours, "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    return [
        tag
        for tag in outdated(tags, prefix(stack).removeprefix(f"{PROJECT}-"), used)
        if not _spared(tag, engine) and engine.run("image", "rm", tag, check=False).returncode == 0
    ]


def _spared(tag: str, engine: Engine) -> bool:
    """Whether it came in a bundle just now."""
    if not tag.startswith(bundle.REPOSITORY):
        return False
    return not bundle.may_go(engine.run("image", "inspect", "--format", bundle.NAMED, tag, check=False).stdout)


def _pushed(state: State) -> list[str]:
    """Returns what the stack's images are called in the registry of a Swarm."""
    tags = [one for one in state.resources if one["type"] == TAG and not one.get("delete")]
    return [str((one.get("inputs") or {}).get("targetImage")) for one in tags]


def old_copies(folder: Path, kept: int = KEPT) -> list[Path]:
    """Returns the files of all but the newest ``kept`` copies in one of Pulumi's folders."""
    files = [(int(found[1]), path) for path in folder.iterdir() if (found := COPY.search(path.name))]
    newest = sorted({when for when, _ in files})[-kept:]
    return [path for when, path in files if when < newest[0]] if newest else []


def copies(folder: Path, stack: str) -> int:
    """Removes old copies of the stack's state and returns how many files went."""
    kinds = [*folder.glob(f"history/*/{stack}"), *folder.glob(f"backups/*/{stack}")]
    old = [path for kind in kinds for path in old_copies(kind)]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def prune(stack: str, state_folder: str) -> None:
    """Removes old images and old copies of the state, and says so of images."""
    if state_folder:
        copies(Path(state_folder), stack_name(stack))
    state = State.of(stack)
    if gone := images(stack, state, state.engine()):
        say(f"removed images of earlier versions: {', '.join(gone)}")


def main() -> int:
    """Returns the exit status, always 0: what could not be removed stops nobody, and is tried again the next time."""
    try:
        prune(*sys.argv[1:])
    except (OperationError, EngineError, OSError) as fault:
        say(f"nothing was removed: {fault}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
