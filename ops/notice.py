"""What clients will notice of an update: ``python -m ops.notice STACK``, with what ``pulumi preview`` said on stdin."""

import re
import sys
from pathlib import Path

from ops.decrypted_setting import decrypted

CONTAINER = re.compile(
    r"docker:index:Container\s+\S+-(front|gateway|litellm|egress)\s+(create|replace)\b(?! replacement)"
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
GAP = "every connection is cut, and new ones are refused for about 4 s"


def notice(preview: str, drain_seconds: int) -> str | None:
    """Returns a sentence or two, or None when no container is replaced."""
    steps = set(CONTAINER.findall(COLOUR.sub("", preview)))
    replaced = {role for role, step in steps if step == "replace"}
    if "front" in replaced:
        said = f"The front is replaced, because its ports, addresses or image change: {GAP}."
    elif ("front", "create") in steps and "gateway" in replaced:
        said = f"The published ports move from the gateway to a front of its own, once: {GAP}."
    elif replaced:
        said = "No request fails and no stream is cut: the new containers are ready before the old ones end."
    else:
        return None
    return f"{said}\nThe update waits for what the old ones have begun, {drain_seconds} s at most (drainSeconds)."


def main() -> int:
    """Returns the exit status."""
    seconds = int(decrypted("drainSeconds", sys.argv[1], Path()))
    if said := notice(sys.stdin.read(), seconds):
        sys.stdout.write(f"\n{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
