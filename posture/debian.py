"""How old a container's Debian packages are: when its image took the last updates, and when each was installed."""

from dataclasses import dataclass
from datetime import date

from posture.engine import Engine

UPDATED = "/etc/updated"
"""The Dockerfiles write the day into it, in the step that runs apt-get upgrade."""
SCRIPT = f"""cat {UPDATED} 2>/dev/null || echo unknown
find /var/lib/dpkg/info -name '*.list' -printf '%TY-%Tm-%Td %f\\n'"""


@dataclass(frozen=True)
class Packages:
    """``updated`` is the day of the last updates, if the image says so; the others are days of installation."""

    updated: date | None
    installed: dict[str, date]


def look(engine: Engine, container: str) -> Packages:
    """Asks inside the container.

    Raises:
        EngineError: when nothing can be run in it.
    """
    first, *lines = engine.run("exec", container, "sh", "-c", SCRIPT).splitlines()
    found = (line.split(" ", 1) for line in lines)
    installed = {name.removesuffix(".list").partition(":")[0]: date.fromisoformat(day) for day, name in found}
    return Packages(None if first == "unknown" else date.fromisoformat(first.strip()), installed)
