"""What makes a master key acceptable. Pure functions: they hold the rule, not the key."""

import math
import string
from collections import Counter
from collections.abc import Hashable, Iterable
from datetime import datetime
from itertools import pairwise

from rules import container
from rules.refusal import Refusal, one_too_many
from rules.setting_types import FIRST_GENERATION

PREFIX = "sk-"
DEVELOPMENT_KEY = container.DEVELOPMENT_KEY
MINIMUM_BYTES = 32
"""Random bytes that a key must be able to hold (security page, "Use strong keys")."""
MAXIMUM_CHARACTERS = 256
"""Longest key; the gateway lets no longer one through to LiteLLM (images/gateway/haproxy.cfg)."""
MINIMUM_ESTIMATED_BITS = 160
"""Lowest entropy estimate of a body that passes. Random bodies of 32 bytes stay above 180 bits (a property test draws
them), so that a really random key is never refused; repetition and sequences stay far below."""

WELL_KNOWN = frozenset({DEVELOPMENT_KEY, "sk-1234"})
"""Keys that stand in public documentation: LiteLLM's own examples and this project's development key."""

HEXADECIMAL = frozenset(string.hexdigits)
PRINTABLE = frozenset(map(chr, range(0x21, 0x7F)))


def capacity_bits(body: str) -> float:
    """Returns how many random bits ``body`` can hold at most, from its alphabet (digits, hexadecimal, base64)."""
    characters = set(body)
    if characters <= set(string.digits):
        alphabet = 10
    elif characters <= HEXADECIMAL:
        alphabet = 16
    else:
        alphabet = 64
    return len(body) * math.log2(alphabet)


def estimated_bits(body: str) -> float:
    """Returns a simple entropy estimate of ``body`` in bits.

    It is the smaller of two Shannon entropies times the length: that of the characters, which sees repetition, and that
    of the steps between neighbours, which sees runs such as ``0123456789``. A block that occurs twice counts once.
    """
    half = len(body) // 2
    for size in range(half, 7, -1):
        if any(body[i : i + size] in body[i + size :] for i in range(len(body) - 2 * size + 1)):
            return estimated_bits(body[: len(body) - size])
    steps = [ord(b) - ord(a) for a, b in pairwise(body)]
    return len(body) * min(_shannon(body), _shannon(steps))


def _shannon(symbols: Iterable[Hashable]) -> float:
    counts = Counter(symbols)
    total = sum(counts.values())
    return -sum(n / total * math.log2(n / total) for n in counts.values())


def form_fault(key: str) -> str | None:
    """Returns what is wrong with the form of ``key``, in words that never quote it, or None."""
    if not key.strip():
        return "is blank"
    if not key.startswith(PREFIX):
        return f"must start with {PREFIX!r}"
    if not set(key) <= PRINTABLE:
        return "must consist of printable ASCII characters without spaces, because it travels in an HTTP header"
    if len(key) == len(PREFIX):
        return f"has nothing behind {PREFIX!r}"
    if len(key) > MAXIMUM_CHARACTERS:
        return f"is longer than {MAXIMUM_CHARACTERS} characters"
    return None


def strength_fault(key: str) -> str | None:
    """Returns why ``key`` must not guard anything that others can reach, in words that never quote it, or None."""
    if fault := form_fault(key):
        return fault
    if key in WELL_KNOWN:
        return "is a well-known key that stands in public documentation"
    body = key.removeprefix(PREFIX)
    if capacity_bits(body) < MINIMUM_BYTES * 8:
        return f"is too short to hold {MINIMUM_BYTES} random bytes (64 hexadecimal or 43 base64 characters)"
    if estimated_bits(body) < MINIMUM_ESTIMATED_BITS:
        return f"does not look random enough for {MINIMUM_BYTES} random bytes"
    return None


def rotation_fault(
    rotation: str | None,
    previous: str | None,
    expires: datetime | None,
    names: str = "neither previousKeyRotation nor previousMasterKey is",
) -> Refusal | None:
    """Returns what is wrong with a key's rotation, or None.

    :param names: what is missing where an expiry has no key, with its verb.
    """
    if previous and previous == rotation:
        return one_too_many("previousKeyRotation", "equals keyRotation, so nothing would be rotated")
    if previous == FIRST_GENERATION and not rotation:
        return Refusal("keyRotation", "must be set too: previousKeyRotation names the first key, which is in force")
    if previous and expires is None:
        return Refusal("previousKeyExpires", "must say until when the previous key is accepted")
    if expires and not previous:
        return one_too_many("previousKeyExpires", f"is set, but {names}")
    return None
