"""One log for the container, on stdout, from which no secret can be read."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from claude_gateway.printable import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import SecretStr

# What a client sent may stand in a message: it must neither begin a line of its own nor speak to a terminal.
SHORT = {0x0A: "\\n", 0x09: "\\t"}
USAGE_LOGGER = "usage"
"""Its lines are JSON (api/usage_line.py), for programs to read."""
LITELLM_LOGGERS = ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router")
# Libraries whose INFO lines name every request or every start; their warnings are kept.
QUIET_LOGGERS = ("httpx", "apscheduler", "claude_agent_sdk", "uvicorn.access", *LITELLM_LOGGERS)


class RedactingFormatter(logging.Formatter):
    """A record as one line, tracebacks included; known secrets are masked, control characters escaped."""

    def __init__(self, secrets: Iterable[SecretStr]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S%z")
        self._secrets = [secret.get_secret_value() for secret in secrets]

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage() if record.name == USAGE_LOGGER else super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return escaped(text.translate(SHORT))


def set_up_log(level: str, secrets: Iterable[SecretStr]) -> None:
    """Send every logger through one redacting handler on stdout; a library's own handlers are removed."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(RedactingFormatter(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
