"""A setting as Pulumi has it, also one that was set with --secret although it need not be."""

from pathlib import Path
from typing import Any

from ops.commands import pulumi
from rules.stack_settings import setting


def decrypted(name: str, stack: str, folder: Path) -> Any:
    """Returns the setting; Pulumi decrypts it where the stack's file has ciphertext alone."""
    found = setting(name, stack, folder)
    return pulumi("config", "get", name, stack=stack).strip() if is_ciphertext(found) else found


def is_ciphertext(found: Any) -> bool:
    """Whether it is what Pulumi writes for a secret."""
    return isinstance(found, dict) and set(found) == {"secure"}
