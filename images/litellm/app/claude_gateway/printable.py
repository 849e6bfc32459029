"""Text from outside, as it may stand in an answer, a log or on a terminal."""

from __future__ import annotations


def escaped(text: str) -> str:
    """`text` without anything that a terminal or a log take for more than text, or does not show in its place."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)
