"""A stack as engines of several versions described it: what posture makes of that."""

from pathlib import Path

from posture.context import Context
from posture.engine import EngineError
from posture.model import REGISTRY, Check, Status
from posture.run import judged
from testbed.recording import Recording

BEYOND = {
    *(f"access.{what}" for what in ("sources", "key-works", "no-key", "wrong-key", "malformed-key", "known-keys")),
    *("access.model-api-only", "https.certificate", "https.profile", "https.hsts", "https.no-plaintext"),
    "network.egress-passes",
    *("clients.metrics", "login.protected", "network.public", "settings.log-level", "settings.verify-on-update"),
    *("secrets.state", "secrets.stack-file"),
    *("supply.litellm", "supply.models", "supply.packages", "supply.toolchain", "supply.updates"),
}
"""What is asked of the gateway, the internet, the settings, files or this repository."""


def outcomes(recording: Recording) -> dict[str, str]:
    """Returns how each check comes out that needs only what the engine says; the recording must be replayed."""
    context = Context(recording.declaration(), Path("/nowhere"), {})
    context.now = recording.now
    return {id_: _outcome(check, context) for id_, check in REGISTRY.items() if id_ not in BEYOND}


def _outcome(check: Check, context: Context) -> str:
    try:
        return judged(check, context).status.value
    except EngineError:  # as posture/run.py has it; what was not recorded is no such error
        return Status.FAIL.value
