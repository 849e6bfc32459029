"""Are all files of a Python environment as they were installed? ``installed.py [--list] ENVIRONMENT`` tells.

With ``--list`` what is there now is noted as right; without it the first difference is printed, and the status is 1.
Sizes are compared, which costs a tenth of a second: a file that somebody deleted, or that a full disk or a power cut
has left empty, would show only in the middle of an update. Files that came later (a package of the user's own) do not
matter.

It runs with nothing but Python, since the environment's own packages may be what is missing.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

LIST = ".files"
CHANGING = "__pycache__"


def sizes(folder: str, below: str = "") -> Iterator[tuple[str, int]]:
    """Yields path and size of all files; set-up's own notes and what Python compiles are left out."""
    for entry in os.scandir(folder):
        path = f"{below}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if entry.name != CHANGING:
                yield from sizes(entry.path, f"{path}/")
        elif below or not entry.name.startswith("."):
            yield path, entry.stat(follow_symlinks=False).st_size


def listed(environment: Path) -> dict[str, int]:
    """Returns what was noted; nothing when that is not there, or no such list."""
    try:
        lines = (environment / LIST).read_text(errors="surrogateescape").splitlines()
        return {path: int(size) for size, _, path in (line.partition(" ") for line in lines)}
    except (OSError, ValueError):
        return {}


def difference(environment: Path) -> str | None:
    """Returns what is missing or has another size, or None; without a list, as of an earlier version, one is made."""
    if not (wanted := listed(environment)):
        with contextlib.suppress(OSError):  # it is another user's
            note(environment)
        return None
    found = dict(sizes(str(environment)))
    wrong = sorted(path for path, size in wanted.items() if found.get(path) != size)
    more = f", and {len(wrong) - 1} more" if wrong[1:] else ""
    return f"{wrong[0]} {'has another size' if wrong[0] in found else 'is missing'}{more}" if wrong else None


def note(environment: Path) -> None:
    """Notes what is there, once it is on the disk: a power cut must not leave the note alone."""
    os.sync()
    lines = [f"{size} {path}\n" for path, size in sizes(str(environment)) if "\n" not in path]
    new = environment / f"{LIST}.new"
    new.write_text("".join(lines), errors="surrogateescape")
    new.replace(environment / LIST)


def main() -> int:
    """Returns the exit status."""
    environment = Path(sys.argv[-1])
    if "--list" in sys.argv:
        note(environment)
        return 0
    said = difference(environment)
    if said:
        sys.stdout.write(f"{said}\n")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
