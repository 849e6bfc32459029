"""Variables that are handed over as files, as the services of a Swarm have secrets and configuration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDERS = (Path("/run/secrets"), Path("/run/configs"))
NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def with_files(env: Mapping[str, str], folders: Iterable[Path] = FOLDERS) -> dict[str, str]:
    """`env`, and each variable that it does not set from the file of its name; a final line end is not part of it."""
    found = {
        file.name: file.read_text(encoding="utf-8").rstrip("\n")
        for folder in folders
        if folder.is_dir()
        for file in folder.iterdir()
        if NAME.fullmatch(file.name) and file.is_file()
    }
    return {**found, **env}
