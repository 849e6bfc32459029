"""A stack's settings as they stand in its file, for what has to look before Pulumi runs; nothing is decrypted."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from rules.layout import PROJECT, stack_name


class Loader(yaml.SafeLoader):
    """Takes a day for the word that it is, as Pulumi hands it over: 2026-02-31 is none, and no reason to stop here."""


Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if not one[0].endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@lru_cache(maxsize=8)
def _config(content: bytes) -> dict[str, Any]:
    """What stands in a file below ``config:``; nothing of one that Pulumi refuses, because it says where it is wrong.

    Kept, because an update asks for a dozen settings, and Pulumi.yaml alone takes a while to read.
    """
    try:
        found = yaml.load(content, Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError:
        return {}
    config = found.get("config") if isinstance(found, dict) else None
    return config if isinstance(config, dict) else {}


def setting(name: str, stack: str, root: Path) -> Any:
    """A setting as the stack has it, else its default in Pulumi.yaml; None when neither is there."""
    declared = _config((root / "Pulumi.yaml").read_bytes()).get(name) or {}
    default = declared.get("default") if isinstance(declared, dict) else declared
    given = _config((root / f"Pulumi.{stack_name(stack)}.yaml").read_bytes())
    return given.get(f"{PROJECT}:{name}", given.get(name, default))  # Pulumi takes a bare name for one of the project's
