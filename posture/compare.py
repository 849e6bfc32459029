"""Two environments or sets of labels compared by digest: what is told of a difference are names, never values."""

import hashlib
from collections.abc import Mapping


def digest(values: Mapping[str, str]) -> str:
    """SHA-256 over names and values; two are compared, and only names are ever shown."""
    text = "\0".join(f"{name}={value}" for name, value in sorted(values.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def pairs(entries: list[str] | None) -> dict[str, str]:
    """``NAME=value`` entries as a dictionary."""
    return {name: value for name, _, value in (str(entry).partition("=") for entry in entries or [])}


def differences(declared: Mapping[str, str], found: Mapping[str, str], what: str) -> list[str]:
    """Names what was added, is missing or has another value; empty when the digests are equal."""
    if digest(declared) == digest(found):
        return []
    return [
        *(f"{what} {name} was added" for name in sorted(set(found) - set(declared))),
        *(f"{what} {name} is missing" for name in sorted(set(declared) - set(found))),
        *(
            f"{what} {name} has another value"
            for name in sorted(declared)
            if name in found and found[name] != declared[name]
        ),
    ]
