"""Which LiteLLM releases must not run."""

import re
from pathlib import Path

FLOOR = (1, 84, 0)
"""The first release with the fixes of LiteLLM's published security advisories."""
DENIED = {(1, 82, 7), (1, 82, 8)}
"""Releases that were published with malicious code."""

LOCKED = re.compile(r"^litellm==(\d+)\.(\d+)\.(\d+)", re.MULTILINE)
TAGGED = re.compile(r":[A-Za-z_-]*v?(\d+)\.(\d+)\.(\d+)[^/@]*(?:@|$)")


def version_fault(version: tuple[int, ...]) -> str | None:
    """Returns why this LiteLLM release must not run, or None."""
    shown = ".".join(map(str, version))
    if version in DENIED:
        return f"LiteLLM {shown} was published with malicious code; use {'.'.join(map(str, FLOOR))} or later"
    if version < FLOOR:
        return f"LiteLLM {shown} has known vulnerabilities; use {'.'.join(map(str, FLOOR))} or later"
    return None


def locked_fault(lock: Path) -> str | None:
    """Returns why the LiteLLM release in a requirements lock must not run, or None."""
    found = LOCKED.search(lock.read_text())
    if found is None:
        return f"{lock.name} does not pin litellm; run: make lock"
    return version_fault(tuple(map(int, found.groups())))


def tag_fault(image: str) -> str | None:
    """Returns why a ready image must not run, as far as its tag tells; the posture check reads the version inside."""
    found = TAGGED.search(image)
    return version_fault(tuple(map(int, found.groups()))) if found else None
