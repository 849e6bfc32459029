"""A command on a terminal of its own, and somebody who answers what it asks."""

import contextlib
import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

SECONDS = 60


def on_a_terminal(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], *talk: tuple[str, str | None]
) -> "subprocess.CompletedProcess[str]":
    """Runs the command to its end. ``talk`` is what it asks, in order, with each answer; None ends it there."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        ["setsid", "--ctty", *command], cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said, end = "", time.monotonic() + SECONDS

    def read(until: str | None) -> str:
        heard = ""
        with contextlib.suppress(OSError):  # the end, on a terminal
            while (until is None or until not in heard) and select.select([ours], [], [], end - time.monotonic())[0]:
                heard += os.read(ours, 4096).decode(errors="replace")
        assert until is None or until in heard, said + heard
        return heard

    try:
        for question, answer in talk:
            said += read(question)
            if answer is None:
                break
            os.write(ours, f"{answer}\r".encode())
        else:
            said += read(None)
            done.wait(SECONDS)
    finally:
        done.kill()
        status = done.wait()
        os.close(ours)
    return subprocess.CompletedProcess(command, status, said)
