"""A stack's configuration file: changed as a whole or not at all, and put back as it was."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.commands import OperationError, pulumi
from ops.key_rotation import Change, Keys
from rules.layout import PROJECT, stack_name
from rules.unquoted_times import day, moment


class StackFile:
    """``Pulumi.<stack>.yaml`` in the current folder."""

    def __init__(self, stack: str) -> None:
        self.stack = stack
        self.path = Path(file_of(stack))
        if not self.path.is_file():
            raise OperationError(f"there is no stack {stack!r} here: {self.path} is missing")

    def clients(self) -> dict[str, dict[str, Any]]:
        """Returns the declared clients by name."""
        return self._clients(json.loads(pulumi("config", "--json", stack=self.stack)))

    def keys(self, client: str | None = None) -> Keys:
        """Returns what the configuration says about the master key or a client's; secrets are not decrypted.

        Raises:
            OperationError: when there is no such client.
        """
        entries = json.loads(pulumi("config", "--json", stack=self.stack))
        if client is not None:
            return self._client_keys(self._clients(entries), client)

        def value(name: str) -> str | None:
            return entries.get(f"{PROJECT}:{name}", {}).get("value") or None

        expires = value("previousKeyExpires")
        return Keys(
            production=value("environment") == "production",
            configured=bool(entries.get(f"{PROJECT}:masterKey", {}).get("secret")),
            generation=day(value("keyRotation")),
            previous_generation=day(value("previousKeyRotation")),
            previous_expires=_time(expires, self.stack) if expires else None,
        )

    def _clients(self, entries: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        entry = entries.get(f"{PROJECT}:clients", {})
        if entry.get("secret"):
            raise OperationError(
                f"something in the clients of {self.stack!r} is encrypted, and none of it is a secret: write it into "
                f"{self.path} as it is"
            )
        found = entry.get("objectValue") or {}
        if not isinstance(found, dict) or not all(isinstance(client or {}, dict) for client in found.values()):
            raise OperationError(
                f"clients are not as they can be declared. What is wrong: make preview STACK={self.stack}"
            )
        return {name: client or {} for name, client in found.items()}

    def _client_keys(self, clients: Mapping[str, dict[str, Any]], client: str) -> Keys:
        if client not in clients:
            raise OperationError(no_client(client, clients, self.stack))
        declared = clients[client]
        expires = declared.get("previousKeyExpires")
        return Keys(
            production=True,  # a client's key is always generated, as production's is
            configured=False,
            generation=day(declared.get("keyRotation")),
            previous_generation=day(declared.get("previousKeyRotation")),
            previous_expires=_time(expires, self.stack, f"clients.{client}.") if expires else None,
        )

    @contextlib.contextmanager
    def changed(self, change: Change) -> Iterator[None]:
        """Writes ``change``; when the body raises, the file is as it was before."""
        before = self.path.read_bytes()
        self.apply(change)
        try:
            yield
        except BaseException as failed:
            try:
                self._replace(before)
            except OSError as error:
                raise OperationError(
                    f"{str(failed) or 'interrupted'}. And {self.path} could not be put back as it was "
                    f"({error.strerror}): what stands in it is what the next update goes on with: "
                    f"make up STACK={self.stack}"
                ) from failed
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
                pulumi("config", "set-all", "--path", "--config-file", str(copy), *pairs, stack=self.stack)
            for name in change.removed:
                if self._has(there, name):
                    pulumi("config", "rm", name, "--path", "--config-file", str(copy), stack=self.stack)
            self._replace(copy.read_bytes())

    @staticmethod
    def _has(entries: Mapping[str, Any], name: str) -> bool:
        setting, *path = name.split(".")
        found: Any = entries.get(f"{PROJECT}:{setting}")
        if path:
            found = (found or {}).get("objectValue")
        for part in path:
            found = (found or {}).get(part)
        return found is not None

    def _set_secret(self, copy: Path, name: str, secret: str) -> None:
        pulumi("config", "set", "--secret", name, "--config-file", str(copy), stack=self.stack, stdin=secret)

    @contextlib.contextmanager
    def _copy(self) -> Iterator[Path]:
        # Beside the file: a rename is one step only within a file system. A link stays one, to what it has led to.
        with tempfile.TemporaryDirectory(prefix=".rotation-", dir=self.path.resolve().parent) as folder:
            copy = Path(folder) / self.path.name
            shutil.copy(self.path, copy)
            yield copy

    def _replace(self, content: bytes) -> None:
        with self._copy() as copy:
            with copy.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            owner = self.path.stat()
            with contextlib.suppress(PermissionError):  # one of a group
                os.chown(copy, owner.st_uid, owner.st_gid)  # as root would make it its own (sudo make rotate)
            copy.replace(self.path.resolve())


def file_of(stack: str) -> str:
    """Returns the name of a stack's settings file."""
    return f"Pulumi.{stack_name(stack)}.yaml"


def no_client(name: str, clients: Iterable[str], stack: str) -> str:
    """Returns the sentence for a client that is not declared."""
    there = ", ".join(clients) or "none"
    return f"the stack {stack!r} has no client {name!r}; there are: {there}. {how_to_declare(stack)}"


def how_to_declare(stack: str) -> str:
    """Returns what to type for a new client."""
    command = f"pulumi config set --stack {stack} --path 'clients.NAME.maxParallel' 4"
    return f"Declare one with: {command}, then: make up STACK={stack}"


def _time(text: Any, stack: str, of: str = "") -> datetime:
    name = f"{of}previousKeyExpires"
    typed = f"--path '{name}'" if of else name
    try:
        found = datetime.fromisoformat(str(moment(text)))
    except ValueError as error:
        raise OperationError(
            f"{name} is {text!r}, not a time such as 2026-11-25T12:00:00Z. "
            f"Fix: pulumi config set {typed} TIME --stack {stack}"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
