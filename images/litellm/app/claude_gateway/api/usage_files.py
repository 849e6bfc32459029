"""The usage lines of a stack that asks for it, kept on a volume for so many days: a file a day, bounded.

Containers that stand side by side while one replaces the other add to the same file: a line is one write.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from claude_gateway.log_setup import USAGE_LOGGER, RedactingFormatter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pydantic import SecretStr

log = logging.getLogger(__name__)
DAY_BYTES = 128 * 1024 * 1024
NOBODY = '"client": "", '
"""In the lines of requests without a valid key: those are not kept, or whoever has none could fill the day's file."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class UsageFiles(logging.Handler):
    """Writes each usage line to the file of its day, and deletes those that are older than `days`.

    What cannot be written is in the container's log all the same, and never costs a request its answer.
    """

    def __init__(
        self, folder: Path, days: int, secrets: Iterable[SecretStr], now: Callable[[], datetime] = _utc_now
    ) -> None:
        super().__init__()
        self.setFormatter(RedactingFormatter(secrets))
        self._folder, self._days, self._now = folder, days, now
        self._day = ""
        self._silent = False

    def emit(self, record: logging.LogRecord) -> None:
        """Adds the line to the day's file."""
        line = self.format(record)
        if NOBODY in line:
            return
        today = self._now().date()
        try:
            if self._day != today.isoformat():
                self._day, self._silent = today.isoformat(), False
                self._forget((today - timedelta(days=self._days)).isoformat())
            descriptor = os.open(
                self._folder / f"usage-{self._day}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600
            )
            try:
                if os.fstat(descriptor).st_size < DAY_BYTES:
                    os.write(descriptor, f"{line}\n".encode())
                else:
                    self._say(f"its file has {DAY_BYTES} bytes")
            finally:
                os.close(descriptor)
        except OSError as error:
            self._say(str(error.strerror))

    def _forget(self, oldest: str) -> None:
        for path in self._folder.glob("usage-*.jsonl"):
            if path.name <= f"usage-{oldest}.jsonl":
                path.unlink(missing_ok=True)

    def _say(self, why: str) -> None:
        if not self._silent:
            self._silent = True
            log.warning("usage is not kept for the rest of %s: %s; it stays in this log", self._day, why)


def keep_usage(folder: Path, days: int, secrets: Iterable[SecretStr]) -> None:
    """Keeps usage lines from now on; they go on to the container's log too."""
    logging.getLogger(USAGE_LOGGER).addHandler(UsageFiles(folder, days, secrets))
