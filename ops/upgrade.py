"""Asks for today's security updates in the images: the next update builds them anew. ``make upgrade`` runs both.

``python -m ops.upgrade STACK``, in the project's folder and the stack's environment.
"""

import json
import sys
from datetime import UTC, datetime

from ops.commands import OperationError, exit_status, pulumi
from ops.key_rotation import Change, next_generation
from ops.notice import GAP
from ops.rotate import alone
from ops.stack_file import StackFile
from rules import bundle
from rules.layout import PROJECT
from rules.unquoted_times import day

SETTING = "securityUpdates"


def upgrade(stack: str) -> str:
    """Sets the stack's setting, and returns what to tell the operator.

    Raises:
        OperationError: when the images are not built here.
    """
    if bundle.images():
        raise OperationError(
            "the images came in a bundle, and so do updates. Fix: run `make bundle` where there is a network, "
            f"then here: make up BUNDLE=FILE STACK={stack}"
        )
    entries = json.loads(pulumi("config", "--json", stack=stack))

    def given(name: str) -> str:
        return str(entries.get(f"{PROJECT}:{name}", {}).get("value") or "")

    roles = ["litellm", "gateway", "egress", "front"]
    roles += ["acme"] * (given("tls") == "acme") + ["valkey"] * (given("replicas") not in {"", "1"})
    if all(given(f"{role}Image") for role in roles):
        raise OperationError(
            f"nothing is built here: {', '.join(f'{role}Image' for role in roles)} are ready images, and newer ones "
            f"hold the updates. Fix: pulumi config set litellmImage NAME@sha256:DIGEST --stack {stack}, so the others, "
            f"then: make up STACK={stack}"
        )
    current = day(given(SETTING))
    fresh = next_generation(datetime.now(UTC).date(), current)
    StackFile(stack).apply(Change({SETTING: fresh}, removed=()))
    said = f"{SETTING} is {fresh}: the images are built anew.\n"
    if given("frontImage"):
        return said  # a ready front stays as it is
    return f"{said}The front's, too: while it is replaced, once, {GAP}.\n"


def main() -> int:
    """Returns the exit status: 1 with a sentence when the setting was not changed."""

    def operation() -> str:
        with alone():  # a rotation puts the file back as it was when its update fails
            return upgrade(sys.argv[1])

    return exit_status(operation)


if __name__ == "__main__":
    sys.exit(main())
