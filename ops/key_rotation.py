"""What a rotation changes in a stack's configuration. Pure decisions: nothing is read or written here."""

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from ops.commands import OperationError
from rules.keys import DEVELOPMENT_KEY, PREFIX
from rules.setting_types import FIRST_GENERATION

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LAST_OF_A_DAY = 99
LONGEST = timedelta(days=3650)
"""An overlap of centuries would be a key that never ends, and the calendar ends, too."""
PREVIOUS = ("previousMasterKey", "previousKeyRotation", "previousKeyExpires")


@dataclass(frozen=True)
class Keys:
    """What the configuration says about keys. The configured key itself is absent: only whether there is one."""

    production: bool
    configured: bool
    generation: str | None = None
    previous_generation: str | None = None
    previous_expires: datetime | None = None


@dataclass(frozen=True)
class Change:
    """Settings to set, in the clear or as secrets, and to remove; ``copied`` copies one secret's value to another."""

    values: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    copied: dict[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = PREVIOUS

    def of_client(self, client: str) -> "Change":
        """Returns the same change of a client's key; such a key is always a generated one."""
        return Change(
            {f"clients.{client}.{name}": value for name, value in self.values.items()},
            removed=tuple(f"clients.{client}.{name}" for name in self.removed if name != "previousMasterKey"),
        )


def duration(text: str, name: str = "OVERLAP") -> timedelta:
    """Returns what ``90m``, ``24h`` or ``7d`` means.

    Raises:
        OperationError: when it is not a positive number with one of the units s, m, h, d, or longer than LONGEST.
    """
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text.strip())
    if found is None or int(found[1]) == 0:
        none_at_all = " For none at all: EMERGENCY=1" if name == "OVERLAP" else ""
        raise OperationError(f"{name} is {text!r}, not a time such as 30m, 24h or 7d.{none_at_all}")
    meant = timedelta(**{UNITS[found[2]]: int(found[1])})
    if meant > LONGEST:
        raise OperationError(f"{name} is {text!r}, and at most {LONGEST.days}d is possible")
    return meant


def next_generation(today: date, *known: str | None) -> str:
    """Returns today's ISO date, with ``.2``, ``.3``, ... behind it when ``known`` has generations of today."""
    pattern = re.compile(re.escape(today.isoformat()) + r"(?:\.(\d+))?")
    numbers = [int(found[1] or 1) for name in known if name and (found := pattern.fullmatch(name))]
    following = max(numbers, default=0) + 1
    if following > LAST_OF_A_DAY:
        raise OperationError(
            f"there were {LAST_OF_A_DAY} rotations today already; the next one is possible tomorrow (UTC)"
        )
    return today.isoformat() if following == 1 else f"{today.isoformat()}.{following}"


def overlaps(keys: Keys, now: datetime) -> bool:
    """Whether a previous key is still accepted."""
    return keys.previous_expires is not None and now < keys.previous_expires


def rotation(keys: Keys, overlap: timedelta | None, now: datetime, stack: str, client: str | None = None) -> Change:
    """Returns the change that makes a new key, the master key or a client's.

    Without ``overlap`` (an emergency) no old key is accepted any more.

    Raises:
        OperationError: when a previous key is still accepted, because a stack has one previous key, not two.
    """
    whose = f" CLIENT={client}" if client else ""
    if overlap is not None and overlaps(keys, now):
        raise OperationError(
            f"a rotation is under way: the previous key is accepted until {shown(keys.previous_expires)}, and a stack "
            f"has one previous key at a time. Wait until then, end it with 'make retire STACK={stack}{whose}', or "
            f"refuse both old keys at once with 'make rotate STACK={stack}{whose} EMERGENCY=1'"
        )
    fresh = next_generation(now.astimezone(UTC).date(), keys.generation, keys.previous_generation)
    values = {"keyRotation": fresh}
    new_secrets = {"masterKey": f"{PREFIX}{secrets.token_hex(32)}"} if keys.configured else {}
    copied: dict[str, str] = {}
    if overlap is not None:
        values["previousKeyExpires"] = shown(now + overlap)
        if keys.configured:
            copied["previousMasterKey"] = "masterKey"
            if keys.generation:
                values["previousKeyRotation"] = keys.generation
        elif keys.production or keys.generation:
            values["previousKeyRotation"] = keys.generation or FIRST_GENERATION
        else:
            new_secrets["previousMasterKey"] = DEVELOPMENT_KEY
    kept = {*values, *new_secrets, *copied}
    change = Change(values, new_secrets, copied, tuple(name for name in PREVIOUS if name not in kept))
    return change.of_client(client) if client else change


def shown(moment: datetime | None) -> str:
    """Returns a time as RFC 3339 in UTC, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
