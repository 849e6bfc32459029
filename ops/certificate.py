"""A provided certificate that has expired: refused when it is new to the stack, endured when the stack serves it.

Nobody notices the day in time. On it whatever is down must come back and every other change be possible, a new key
first of all: so the update does all of that with the old certificate, and then says what a person must do.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.commands import OperationError
from ops.decrypted_setting import decrypted
from ops.state import State
from rules.certificates import time_fault
from rules.setting_types import without_mark

COMPONENT = "litellm-claude:components:ServerCertificate"


def configured(stack: str, folder: Path) -> str:
    """Returns the PEM chain that the stack is to serve, none unless it is a provided one."""
    if decrypted("tls", stack, folder) != "provided":
        return ""
    return str(without_mark(decrypted("tlsCertificate", stack, folder)) or "").strip()


def expired(state: State, stack: str, folder: Path) -> str | None:
    """Returns a sentence when the stack's certificate has expired while it served it; None while clients take it.

    Raises:
        OperationError: with that sentence when the stack does not serve it yet.
    """
    certificate = configured(stack, folder)
    if not (problem := time_fault(certificate, datetime.now(UTC))):
        return None
    sentence = (
        f"tlsCertificate: {problem}, so clients refuse it. Fix: "
        f"pulumi config set tlsCertificate --stack {stack} < FILE && "
        f"pulumi config set --secret tlsPrivateKey --stack {stack} < KEY && make up STACK={stack}"
    )
    known: dict[str, Any] | None = next(
        (one.get("outputs") or {} for one in state.resources if one["type"] == COMPONENT), None
    )
    # Until version 0.1 nothing was noted: what that has brought up is taken to serve what is configured.
    earlier = certificate if state.containers() else ""
    served = "" if known is None else str(known.get("provided", earlier)).strip()
    if served != certificate:
        raise OperationError(sentence)
    return sentence
