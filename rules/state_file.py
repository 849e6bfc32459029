"""A stack's state in a file backend, whose folder is .pulumi.

Pulumi writes the file anew at every step, keeps the one before as .json.bak, and a copy of each finished update under
history/.
"""

import gzip
import json
import os
import sys
import zlib
from pathlib import Path
from shlex import quote
from typing import Any
from urllib.parse import quote_from_bytes, unquote

PACKED = ".gz"
ENDS = ("", PACKED)
GZIP = b"\x1f\x8b"
"""How a gzip file begins: PULUMI_SELF_MANAGED_STATE_GZIP packs the state."""


def url_of(folder: str) -> str:
    """The URL of a backend in ``folder``: a blank may stand in Pulumi's, but not what has a meaning there."""
    return f"file://{quote_from_bytes(os.fsencode(folder), safe='/ ')}"


def folder_of(url: str) -> Path | None:
    """Where a backend in files keeps states; options may stand behind its path. None for another backend."""
    path = unquote(url.removeprefix("file://").partition("?")[0], errors="surrogateescape")
    return Path(path).expanduser() / ".pulumi" if url.startswith("file://") else None


def find(state: Path, stack: str) -> Path | None:
    """The file with the newest state of the stack, packed with PULUMI_SELF_MANAGED_STATE_GZIP."""
    places = [f"{place}/{stack}.json{end}" for place in ("stacks/*", "stacks") for end in ENDS]
    found = [path for place in places for path in state.glob(place)]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def unpacked(content: bytes) -> bytes:
    """A file of the state as text. Its name does not tell, to Pulumi neither: a copy of another one may stand there."""
    return gzip.decompress(content) if content.startswith(GZIP) else content


def read(path: Path) -> dict[str, Any] | None:
    """The deployment in a state file, empty before the first update; None when the file is damaged."""
    try:
        latest = json.loads(unpacked(path.read_bytes()))["checkpoint"].get("latest") or {}
        return latest if isinstance(latest, dict) else None
    except (ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, zlib.error):
        return None


def of_another(latest: dict[str, Any], stack: str) -> str | None:
    """Returns whose state it is, when it is another stack's; `pulumi stack rename` writes the new name into it."""
    urns = [str(one.get("urn", "")).split(":") for one in latest.get("resources") or []]
    names = {urn[2] for urn in urns if urn[:2] == ["urn", "pulumi"] and len(urn) > 2}
    return None if stack in names else next(iter(names), None)


def backups(state: Path, stack: str) -> list[Path]:
    """Undamaged earlier states that hold something, the newest first."""
    places = [f"history/*/{stack}/*.checkpoint.json", f"history/{stack}/*.checkpoint.json"]
    places += [f"{place}/{stack}.json{end}.bak" for place in ("stacks/*", "stacks") for end in ENDS]
    copies = [path for place in places for path in state.glob(place)]
    good = (path for path in copies if (latest := read(path)) and not of_another(latest, stack))
    return sorted(good, key=lambda path: path.stat().st_mtime, reverse=True)


def checkpoint(state: Path, stack: str) -> dict[str, Any]:
    """The newest state of the stack; empty when it has none.

    Raises:
        SystemExit: with the backup to put back, when the file is damaged.
    """
    path = find(state, stack)
    if path is None:
        _refuse_a_second_beginning(state, stack)
        return {}
    latest = read(path)
    other = of_another(latest or {}, stack)
    if latest is not None and other is None:
        return latest
    wrong = f"is that of the stack '{other}'" if other else "is no whole JSON document"
    found = f"error: the state of the stack '{stack}' is damaged: {path} {wrong}. Nothing was changed."
    earlier = backups(state, stack)
    if not earlier:
        sys.exit(f"{found} There is no backup beside it: put back one of your own.")
    sys.exit(f"{found} Put the newest backup back, then try again: cp {quote(str(earlier[0]))} {quote(str(path))}")


def _refuse_a_second_beginning(state: Path, stack: str) -> None:
    """Stops when a stack has no state any more but a history, which `pulumi stack rm` takes away too.

    Another one would begin with new keys, beside what the first one has on the engine.
    """
    kept = [path for path in backups(state, stack) if "history" in path.relative_to(state).parts]
    if not kept:
        return
    history = kept[0].parent
    place = state / "stacks" / history.parent.relative_to(state / "history") / f"{stack}.json"
    sys.exit(
        f"error: the state of the stack '{stack}' is gone: there is no {place}, but copies of it are. "
        f"Put the newest one back, then try again: cp {quote(str(kept[0]))} {quote(str(place))}"
        f"\nor, to begin anew with other keys: rm -r {quote(str(history))}"
    )
