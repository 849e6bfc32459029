"""Repairs what a killed update left behind in a file backend. Usage: python -m ops.repair_file_backend STATE STACK.

STATE is the backend's .pulumi folder.

- Notes beside a state file (its content type and MD5) that were written halfway are dropped: Pulumi can do without
  them, but loads no state beside damaged ones ("failed to load checkpoint: EOF").
- A state file that is damaged stops with a sentence that names the backup.
- A lock that was written halfway (a disk that was full, pulumi/pulumi#2801) is dropped.
- A lock whose process on this host is gone is taken away; one that another update holds stops with a sentence.
- What was being created: Pulumi forgets it, and a container or network of exactly that name is removed, because it
  would hold the port. Nothing else is: by label alone, a stack of the same name from another working copy would go too.
"""

import contextlib
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rules import state_file
from rules.layout import stack_name
from rules.messages import sayer
from rules.pulumi_types import CONTAINER, NETWORK

say = sayer("setup")

KINDS = {CONTAINER: "container", NETWORK: "network"}
ALL = {"container": ["--all"], "network": []}
HALF_WRITTEN_SECONDS = 1
LOCK = {"pid", "username", "hostname", "timestamp"}
"""What Pulumi writes into a lock."""
FAILED = 3
FORCE = {"container": ["--force"], "network": []}


def run(command: Sequence[str]) -> str:
    """The command's output; its own message and a CalledProcessError when it fails."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def drop_half_written_notes(state: Path) -> None:
    """Drops what gocloud.dev/blob/fileblob keeps in .attrs files, where a killed update left no whole JSON document.

    And the note of the backend's own version, which a first update on a full disk leaves empty.
    """
    for path in state.rglob("*.attrs"):
        try:
            json.loads(path.read_text())
        except FileNotFoundError:
            continue  # it was a lock's, whose update has just ended
        except ValueError:
            say(f"dropping {path.name}, which a killed update wrote halfway and nothing needs")
            path.unlink(missing_ok=True)
    meta = state / "meta.yaml"
    if meta.is_file() and "version" not in meta.read_text(errors="replace"):
        say(f"dropping {meta.name}, which was written halfway; pulumi writes it anew")
        meta.unlink()


def runs_pulumi(pid: int) -> bool:
    """Whether that process lives and is a pulumi; the number alone may be another program's by now.

    One that was killed and that nobody has waited for yet is a zombie (Z): it does nothing any more.
    """
    command = ["ps", "-p", str(pid), "-o", "stat=", "-o", "comm="]
    try:
        found = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    except FileNotFoundError:  # Debian's small images have no ps, and all Linux has this
        found = _as_ps_says(Path("/proc", str(pid), "stat"))
    return "pulumi" in found and not found.lstrip().startswith("Z")


def _as_ps_says(path: Path) -> str:
    try:
        name, _, state = path.read_text().partition("(")[2].rpartition(")")
    except OSError:
        return ""
    return f"{state.split()[0]} {name}"


def lock_folders(state: Path, stack: str) -> list[Path]:
    """Where Pulumi keeps the stack's locks."""
    return [*state.glob(f"locks/*/*/{stack}"), *state.glob(f"locks/*/{stack}")]


def drop_half_written_locks(state: Path, stack: str) -> None:
    """Drops locks that a full disk or a kill left empty or cut off; Pulumi reads them all, and stops at such a one.

    A living update may be writing one right now, which takes a moment: so each gets a second look.
    """
    for path in (path for folder in lock_folders(state, stack) for path in folder.iterdir() if path.is_file()):
        if _whole(path):
            continue
        time.sleep(HALF_WRITTEN_SECONDS)
        if not _whole(path):
            say(f"dropping the lock {path.name}, which was written halfway and holds nothing")
            path.unlink(missing_ok=True)


def _whole(path: Path) -> bool:
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return True  # its update has just ended
    except ValueError:
        return False
    return path.name.endswith(".attrs") or _is_lock(found)


def _is_lock(found: Any) -> bool:
    return isinstance(found, dict) and found.keys() >= LOCK


def locks(state: Path, stack: str) -> dict[Path, dict[str, Any]]:
    """The stack's locks, as Pulumi wrote them; whole ones alone."""
    found = {}
    for path in (path for folder in lock_folders(state, stack) for path in folder.glob("*.json")):
        with contextlib.suppress(FileNotFoundError, ValueError):  # its update has just ended, or just begun
            content = json.loads(path.read_text())
            if _is_lock(content):
                found[path] = content
    return found


def check_locks(state: Path, stack: str) -> None:
    """Takes dead locks away, and no other: `pulumi cancel` would take one, too, that an update has made meanwhile.

    Raises:
        SystemExit: with a sentence, when a lock is or may be in use.
    """
    held = locks(state, stack)
    for lock in held.values():
        who = "pid {pid} of {username} on {hostname}, since {timestamp}".format_map(lock)
        if lock.get("hostname") != socket.gethostname():
            sys.exit(
                f"error: another machine's update holds the stack '{stack}' ({who}). Wait for it; "
                f"when it surely is dead, run 'pulumi cancel --stack {stack}' and try again."
            )
        if runs_pulumi(int(lock["pid"])):
            sys.exit(f"error: another update of the stack '{stack}' runs ({who}). Wait for it and try again.")
    for path in held:
        say("a killed update left its lock behind: taking it away")
        for one in (path, path.with_name(f"{path.name}.attrs")):
            one.unlink(missing_ok=True)


def half_made(latest: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Docker's word for the kind, the name and the grace in seconds of what was being created on the engine."""
    return [
        (
            KINDS[operation["resource"]["type"]],
            operation["resource"]["inputs"]["name"],
            int(operation["resource"]["inputs"].get("destroyGraceSeconds") or 0),
        )
        for operation in latest.get("pending_operations") or []
        if operation["type"] == "creating" and operation["resource"]["type"] in KINDS
    ]


def healthy(identifier: str) -> bool:
    """Whether the container got healthy, so that it may be answering requests."""
    return run(["docker", "inspect", "--format", "{{json .State.Health}}", identifier]).find('"healthy"') >= 0


def remove(kind: str, name: str, grace_seconds: int = 0) -> None:
    """Removes the container or network of exactly that name, when there is one; a healthy container drains first."""
    exactly = f"name=^/?{re.escape(name)}$"  # the dot in a stack's name would be any character: another stack's
    found = run(["docker", kind, "ls", "--quiet", "--filter", exactly, *ALL[kind]]).split()
    for identifier in found:
        say(f"removing the {kind} {name}, which the interrupted update left half-made")
        if kind == "container" and grace_seconds and healthy(identifier):
            say(f"it is healthy: its answers may end first (at most {grace_seconds} s)")
            run(["docker", "stop", "--time", str(grace_seconds), identifier])
        run(["docker", kind, "rm", *FORCE[kind], identifier])


def finish_interrupted(state: Path, stack: str) -> None:
    """Forgets and removes what an interrupted update was creating."""
    latest = state_file.checkpoint(state, stack)
    if not latest.get("pending_operations"):
        return
    say("an earlier update was interrupted: looking at what is really there (pulumi refresh)")
    refresh = ["pulumi", "refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", stack]
    subprocess.run(refresh, check=True)
    known = {
        resource.get("outputs", {}).get("name")
        for resource in state_file.checkpoint(state, stack).get("resources") or []
    }
    for kind, name, grace_seconds in half_made(latest):
        if name not in known:
            remove(kind, name, grace_seconds)


def main(state: str, stack: str) -> int:
    """Returns the exit status: FAILED when a command did, which has said why (ops/stack.sh explains it)."""
    folder, name = Path(state), stack_name(stack)
    state_file.checkpoint(folder, name)
    drop_half_written_notes(folder)
    drop_half_written_locks(folder, name)
    try:
        check_locks(folder, name)
        finish_interrupted(folder, name)
    except subprocess.CalledProcessError:
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
