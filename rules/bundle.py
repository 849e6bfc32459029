"""Images that came in a bundle instead of being built here: ``make bundle`` and ``make up BUNDLE=FILE`` (setup/)."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rules.layout import IMAGES, PROJECT, short

ROLES = tuple(sorted(found.parent.name for found in IMAGES.glob("*/Dockerfile")))
"""All images: which of them a stack runs, its settings decide where the bundle is used."""
REPOSITORY = f"bundle.invalid/{PROJECT}"
"""Where the images' names begin. No registry can have that host (RFC 2606), so that none is ever pulled."""
UNPACKED = IMAGES.parent / ".toolchain" / "bundle"
NAMED = "{{json .Metadata.LastTagTime}}"
"""How docker is asked when an image got its name; one that was loaded has no such time until it is given it again."""
SPARED = timedelta(days=1)
"""What has a younger name stays, used or not: another working copy may have loaded it for the update that it runs."""
MANIFEST = "manifest.json"
IGNORED = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def context_digest(context: Path) -> str:
    """Returns the SHA-256 over names, execute bits and contents of everything below ``context``, caches aside."""
    digest = hashlib.sha256()
    for path in sorted(context.rglob("*")):
        if path.is_file() and not IGNORED & set(path.relative_to(context).parts):
            mode = "x" if path.stat().st_mode & 0o100 else "-"
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(context).as_posix()}\0{mode}\0{content}\n".encode())
    return digest.hexdigest()


def image_name(role: str, identifier: str) -> str:
    """Returns the name of a bundled image: what it holds is part of it, so that a newer bundle's is another one."""
    return f"{REPOSITORY}/{role}:{short(identifier)}"


def may_go(named: str) -> bool:
    """Whether an image's name is older than an update takes, from what docker answers to :data:`NAMED`."""
    try:
        return datetime.fromisoformat(json.loads(named)) < datetime.now(UTC) - SPARED
    except (TypeError, ValueError):
        return True


def images() -> dict[str, str]:
    """Returns the names of the bundled images by role; not of a role whose folder is another one by now."""
    if not (UNPACKED / MANIFEST).exists():
        return {}
    manifest: dict[str, Any] = json.loads((UNPACKED / MANIFEST).read_text())
    return {
        role: name
        for role, name in manifest["images"].items()
        if manifest["sources"][f"images/{role}"] == context_digest(IMAGES / role)
    }
