"""A stack's settings as they stand in its file, for what has to look before Pulumi runs; nothing is decrypted."""

from pathlib import Path
from typing import Any

import yaml

from rules.layout import PROJECT, stack_name


def setting(name: str, stack: str, root: Path) -> Any:
    """A setting as the stack has it, else its default in Pulumi.yaml; None when neither is there."""
    try:
        settings = yaml.safe_load((root / f"Pulumi.{stack_name(stack)}.yaml").read_text()) or {}
    except yaml.YAMLError:
        settings = {}  # Pulumi refuses it, and says where it is wrong
    declared = (yaml.safe_load((root / "Pulumi.yaml").read_text()).get("config") or {}).get(name) or {}
    default = declared.get("default") if isinstance(declared, dict) else declared
    settings = settings if isinstance(settings, dict) else {}
    return (settings.get("config") or {}).get(f"{PROJECT}:{name}", default)
