"""A stack's settings as they stand in its file, for what has to look before Pulumi runs; nothing is decrypted."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from rules.layout import PROJECT, stack_name
from rules.yaml_file import YamlError, parsed


@lru_cache(maxsize=8)
def _config(content: bytes) -> dict[str, Any]:
    """What stands in a file below ``config:``; nothing of one that Pulumi refuses: scripts have said where it is wrong.

    Kept, because an update asks for a dozen settings.
    """
    try:
        return parsed(content).get("config") or {}
    except YamlError:
        return {}


def setting(name: str, stack: str, root: Path) -> Any:
    """A setting as the stack has it, else its default in Pulumi.yaml; None when neither is there."""
    declared = _config((root / "Pulumi.yaml").read_bytes())
    return value_of(name, _config((root / f"Pulumi.{stack_name(stack)}.yaml").read_bytes()), declared)


def value_of(name: str, given: Mapping[str, Any], declared: Mapping[str, Any]) -> Any:
    """A setting by what stands below ``config:`` in the stack's file, and in Pulumi.yaml."""
    described = declared.get(name) or {}
    default = described.get("default") if isinstance(described, dict) else described
    return given.get(f"{PROJECT}:{name}", given.get(name, default))  # Pulumi takes a bare name for one of the project's
