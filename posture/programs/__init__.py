"""Programs that run in the stack's containers. They are handed over as text, and know Python's library alone."""

from pathlib import Path


def text_of(name: str) -> str:
    """Returns the program, as ``python -c`` takes it."""
    return Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
