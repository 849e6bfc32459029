"""A key of 32 random bytes that Pulumi makes once and keeps, encrypted, in the stack's state."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pulumi
import pulumi_random as random

from rules.keys import PREFIX

HEX_DIGITS = "0123456789abcdef"


def generated_key(name: str, parent: pulumi.Resource) -> tuple[pulumi.Output[str], pulumi.Output[str | None]]:
    """Makes ``sk-`` and 64 hexadecimal digits; returns it as a secret, and the ISO date on which it was made.

    :param name: of the resource; each generation of a key has one of its own.
    """
    made = random_digits(name, parent)
    # Marked here too: that the provider calls its result secret is its word, not ours.
    return pulumi.Output.secret(made.result.apply(key_of)), made.keepers.apply(day_of)


def random_digits(name: str, parent: pulumi.Resource) -> random.RandomPassword:
    """Makes 64 hexadecimal digits, of which :func:`key_of` makes a key.

    RandomPassword, because the ``id`` of a RandomBytes is its value, and the state holds ids in the clear. The keepers
    hold the day of creation: later changes of theirs are ignored, so that the first one stays.
    """
    return random.RandomPassword(
        name,
        length=2 * 32,
        lower=False,
        upper=False,
        numeric=False,
        special=True,
        override_special=HEX_DIGITS,
        keepers={"created": datetime.now(UTC).date().isoformat()},
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["keepers"]),
    )


def key_of(digits: str) -> str:
    """Returns the key that is made of ``digits``."""
    return f"{PREFIX}{digits}"


def day_of(keepers: Mapping[str, str] | None) -> str | None:
    """Returns the ISO date on which a key with these keepers was made."""
    return (keepers or {}).get("created")
