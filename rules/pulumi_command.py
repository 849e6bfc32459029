"""Runs the pulumi command for what it says. Nothing secret stands in an argument: it goes through stdin.

Pulumi's Automation API would start the same command, and hand it secrets as arguments.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, Unpack

from rules.pulumi_errors import fix_for


class PulumiError(RuntimeError):
    """Pulumi failed; its own words, and what to do then where that is known."""


class Options(TypedDict, total=False):
    """How pulumi is run. Folder and environment decide on project and backend, the caller's own if not given."""

    stdin: str
    seconds: float
    folder: Path
    environment: Mapping[str, str] | None


def call(*arguments: str, stack: str, **options: Unpack[Options]) -> subprocess.CompletedProcess[str]:
    """Runs pulumi, whatever comes of it.

    Raises:
        PulumiError: when there is no pulumi, or it takes longer than ``seconds``.
    """
    seconds, environment = options.get("seconds"), options.get("environment")
    try:
        return subprocess.run(
            ["pulumi", *arguments, "--stack", stack, "--non-interactive", "--color", "never"],
            input=options.get("stdin", ""),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            cwd=options.get("folder"),
            env=dict(os.environ if environment is None else environment),
        )
    except FileNotFoundError:
        raise PulumiError("there is no pulumi command on PATH. Run it through make, which sets one up") from None
    except subprocess.TimeoutExpired:
        raise PulumiError(f"pulumi {' '.join(arguments[:2])} did not finish in {seconds:.0f} s") from None


def output(*arguments: str, stack: str, **options: Unpack[Options]) -> str:
    """Returns what pulumi printed.

    Raises:
        PulumiError: as :func:`call`, and when pulumi fails.
    """
    done = call(*arguments, stack=stack, **options)
    if done.returncode:
        said = done.stderr.strip().removeprefix("error: ")
        todo = fix_for(said, stack)
        raise PulumiError(f"pulumi {' '.join(arguments[:2])} failed: {said}" + (f"\n{todo}" if todo else ""))
    return done.stdout
