"""A key of 32 random bytes that Pulumi makes once and keeps, encrypted, in the stack's state."""

from datetime import UTC, datetime

import pulumi
import pulumi_random as random

from rules.keys import PREFIX

HEX_DIGITS = "0123456789abcdef"


def generated_key(name: str, parent: pulumi.Resource) -> tuple[pulumi.Output[str], pulumi.Output[str | None]]:
    """Makes ``sk-`` and 64 hexadecimal digits; returns it as a secret, and the ISO date on which it was made.

    RandomPassword, because the ``id`` of a RandomBytes is its value, and the state holds ids in the clear. The keepers
    hold the day of creation: later changes of theirs are ignored, so that the first one stays.

    :param name: of the resource; each generation of a key has one of its own.
    """
    made = random.RandomPassword(
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
    created = made.keepers.apply(lambda keepers: (keepers or {}).get("created"))
    # Marked here too: that the provider calls its result secret is its word, not ours.
    return pulumi.Output.secret(pulumi.Output.concat(PREFIX, made.result)), created
