#!/usr/bin/env python3
"""Mends what a killed update left behind in a file backend. Usage: repair.py STATE STACK.

STATE is the backend's .pulumi folder.

- A lock whose process on this host is gone is cancelled; one that another update holds stops with a sentence.
- Resources that were being created: Pulumi forgets them, and the containers and networks of this stack that its state
  does not know are removed, for they would hold the port and their names.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROJECT = "litellm-claude"


def say(text: str) -> None:
    """A line to the user."""
    sys.stderr.write(f"setup: {text}\n")


def run(command: Sequence[str]) -> str:
    """The command's output; its own message and a CalledProcessError when it fails."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - no shell


def runs_pulumi(pid: int) -> bool:
    """Whether that process lives and is a pulumi; the number alone may be another program's by now."""
    command = ["ps", "-p", str(pid), "-o", "comm="]
    found = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - no shell
    return "pulumi" in found.stdout


def locks(state: Path, stack: str) -> list[dict[str, Any]]:
    """The stack's locks, as Pulumi wrote them."""
    folders = [*state.glob(f"locks/*/*/{stack}"), *state.glob(f"locks/*/{stack}")]
    return [json.loads(path.read_text()) for folder in folders for path in folder.glob("*.json")]


def check_locks(state: Path, stack: str) -> None:
    """Cancels dead locks.

    Raises:
        SystemExit: with a sentence, when a lock is or may be in use.
    """
    held = locks(state, stack)
    for lock in held:
        who = "pid {pid} of {username} on {hostname}, since {timestamp}".format_map(lock)
        if lock.get("hostname") != socket.gethostname():
            sys.exit(
                f"error: another machine's update holds the stack '{stack}' ({who}). Wait for it; "
                f"when it surely is dead, run 'pulumi cancel --stack {stack}' and try again."
            )
        if runs_pulumi(int(lock["pid"])):
            sys.exit(f"error: another update of the stack '{stack}' runs ({who}). Wait for it and try again.")
    if held:
        say("a killed update left its lock behind: cancelling it")
        run(["pulumi", "cancel", "--yes", "--stack", stack])


def checkpoint(state: Path, stack: str) -> dict[str, Any]:
    """The newest state of the stack; empty when it has none."""
    for path in [*state.glob(f"stacks/*/{stack}.json"), *state.glob(f"stacks/{stack}.json")]:
        latest: dict[str, Any] = json.loads(path.read_text()).get("checkpoint", {}).get("latest") or {}
        return latest
    return {}


def strays(stack: str, known: set[str]) -> dict[str, list[str]]:
    """Ids of this stack's containers and networks that are not `known`, by docker's word for their kind."""
    label = f"label=litellm-claude.stack={PROJECT}-{stack}"
    listing = {
        "container": ["docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", label],
        "network": ["docker", "network", "ls", "--quiet", "--no-trunc", "--filter", label],
    }
    return {kind: [i for i in run(command).split() if i not in known] for kind, command in listing.items()}


def finish_interrupted(state: Path, stack: str) -> None:
    """Forgets and removes what an interrupted update was creating."""
    if not checkpoint(state, stack).get("pending_operations"):
        return
    say("an earlier update was interrupted: looking at what is really there (pulumi refresh)")
    refresh = ["pulumi", "refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", stack]
    subprocess.run(refresh, check=True)  # noqa: S603 - no shell
    if not os.environ.get("DOCKER_HOST", "unix:").startswith("unix:"):
        return  # docker's own client may look elsewhere than the stack does
    known = {str(resource.get("id")) for resource in checkpoint(state, stack).get("resources", [])}
    for kind, ids in strays(stack, known).items():
        for identifier in ids:
            say(f"removing a {kind} that the interrupted update left behind: {identifier[:12]}")
            run(["docker", kind, "rm", *(["--force"] if kind == "container" else []), identifier])


if __name__ == "__main__":
    state_folder, stack_name = Path(sys.argv[1]), sys.argv[2].rsplit("/", 1)[-1]
    check_locks(state_folder, stack_name)
    finish_interrupted(state_folder, stack_name)
