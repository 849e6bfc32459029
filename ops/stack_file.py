"""A stack's configuration file: changed as a whole or not at all, and put back as it was."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.commands import OperationError, pulumi
from ops.generations import Change, Keys
from rules.layout import PROJECT


class StackFile:
    """``Pulumi.<stack>.yaml`` in the current folder."""

    def __init__(self, stack: str) -> None:
        self.stack = stack
        self.path = Path(f"Pulumi.{stack.rsplit('/', 1)[-1]}.yaml")
        if not self.path.is_file():
            raise OperationError(f"there is no stack {stack!r} here: {self.path} is missing")

    def keys(self) -> Keys:
        """Returns what the configuration says about keys; secrets are not decrypted."""
        entries = json.loads(pulumi("config", "--json", stack=self.stack))

        def value(name: str) -> str | None:
            return entries.get(f"{PROJECT}:{name}", {}).get("value") or None

        expires = value("previousKeyExpires")
        return Keys(
            production=value("environment") == "production",
            configured=bool(entries.get(f"{PROJECT}:masterKey", {}).get("secret")),
            generation=value("keyRotation"),
            previous_generation=value("previousKeyRotation"),
            previous_expires=_time(expires) if expires else None,
        )

    @contextmanager
    def changed(self, change: Change) -> Iterator[None]:
        """Writes ``change``; when the body raises, the file is as it was before."""
        before = self.path.read_bytes()
        self.apply(change)
        try:
            yield
        except BaseException:
            self._replace(before)
            raise

    def apply(self, change: Change) -> None:
        """Writes ``change`` into a copy, and puts it into the file's place in one step."""
        with self._copy() as copy:
            there = json.loads(pulumi("config", "--json", "--config-file", str(copy), stack=self.stack))
            for new, old in change.copied.items():
                secret = pulumi("config", "get", old, "--config-file", str(copy), stack=self.stack).rstrip("\n")
                self._set_secret(copy, new, secret)
            for name, secret in change.secrets.items():
                self._set_secret(copy, name, secret)
            if change.values:
                pairs = [part for name, value in change.values.items() for part in ("--plaintext", f"{name}={value}")]
                pulumi("config", "set-all", "--config-file", str(copy), *pairs, stack=self.stack)
            for name in change.removed:
                if f"{PROJECT}:{name}" in there:
                    pulumi("config", "rm", name, "--config-file", str(copy), stack=self.stack)
            self._replace(copy.read_bytes())

    def _set_secret(self, copy: Path, name: str, secret: str) -> None:
        pulumi("config", "set", "--secret", name, "--config-file", str(copy), stack=self.stack, stdin=secret)

    @contextmanager
    def _copy(self) -> Iterator[Path]:
        # Beside the file: a rename is one step only within a file system.
        with tempfile.TemporaryDirectory(prefix=".rotation-", dir=".") as folder:
            copy = Path(folder) / self.path.name
            shutil.copy(self.path, copy)
            yield copy

    def _replace(self, content: bytes) -> None:
        with self._copy() as copy:
            with copy.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            copy.replace(self.path)


def _time(text: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise OperationError(
            f"previousKeyExpires is {text!r}, not a time such as 2026-11-25T12:00:00Z. "
            "Fix: pulumi config set previousKeyExpires TIME"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
