"""What the LiteLLM container refuses to start with, judged by its own parser, so that the preview refuses it too."""

import sys
from collections.abc import Mapping

from rules.layout import IMAGES

# Behind all others: nothing of the image takes a package's place here.
sys.path.append(str(IMAGES / "litellm" / "app"))

from claude_gateway.config.memory import fault as memory_fault
from claude_gateway.config.process_reuse import ProcessReuse
from claude_gateway.config.settings import (
    DEVELOPMENT_KEY,
    DRAIN_NOTICE_SECONDS,
    SECRET_VARIABLES,
    ClaudeAuth,
    Settings,
)
from claude_gateway.config.variables import SettingsError, with_stack

__all__ = [
    "DEVELOPMENT_KEY",
    "DRAIN_NOTICE_SECONDS",
    "SECRETS",
    "ClaudeAuth",
    "ProcessReuse",
    "environment_fault",
    "memory_fault",
]

SECRETS = SECRET_VARIABLES
"""Which of its variables the container itself takes for secrets."""
UNKNOWN = {
    "LITELLM_MASTER_KEY": "sk-not-known-before-the-update",
    "LITELLM_PREVIOUS_MASTER_KEY": "sk-not-known-before-the-update-either",
}
"""Stand-ins for what is known only when resources exist. They are of the form that the rules of the keys require."""


def environment_fault(environment: Mapping[str, object]) -> str | None:
    """Returns why the container would not start with ``environment``, or None.

    Values that are not plain text are not known yet; None is left out, as for the container.
    """
    known = {
        name: value if isinstance(value, str) else UNKNOWN.get(name)
        for name, value in environment.items()
        if value is not None
    }
    plain = {name: value for name, value in known.items() if value is not None}
    try:
        Settings.from_environment(plain)
    except SettingsError as error:
        return with_stack(str(error), plain)
    return None
