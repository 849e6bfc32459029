"""Days and times as they are handed over when somebody wrote them without quotes.

YAML takes such a word for a time, and Pulumi hands it over as Go or JSON print one: 2027-03-31 becomes
"2027-03-31 00:00:00 +0000 UTC", or "2027-03-31T00:00:00Z".
"""

import re
from typing import Any

TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?) ?(Z|[+-]\d\d:?\d\d)(?: \S+)?")
MIDNIGHT, UTC_ZONES = "00:00:00", ("Z", "+0000", "+00:00")


def day(value: Any) -> Any:
    """Returns the ISO date where ``value`` is midnight in UTC; anything else as it is."""
    found = TIME.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found and found[2] == MIDNIGHT and found[3] in UTC_ZONES else value


def moment(value: Any) -> Any:
    """Returns a time in the form of RFC 3339 where ``value`` is one of Go's; anything else as it is."""
    found = TIME.fullmatch(value) if isinstance(value, str) else None
    return f"{found[1]}T{found[2]}{found[3]}" if found else value
