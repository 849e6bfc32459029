"""One environment variable at a time: a number, a switch, a choice, or an error that names the variable."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

Choice = TypeVar("Choice", bound=StrEnum)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(ValueError):
    """A setting that the container cannot start with. The message names the variable and says what fixes it."""


def number(env: Mapping[str, str], name: str, default: str, low: float, high: float) -> float:
    """Returns a number of the range, both ends included, with at most three decimals."""
    text = env.get(name, default)
    if not re.fullmatch(r"\d{1,9}(\.\d{1,3})?", text) or not low <= float(text) <= high:
        raise SettingsError(f"{name} is {text!r}; it must be a number from {low:g} to {high:g}")
    return float(text)


def choice(env: Mapping[str, str], name: str, default: Choice) -> Choice:
    """Returns one of the choices, of which `default` is one."""
    choices = type(default)
    try:
        return choices(env.get(name, default))
    except ValueError:
        raise SettingsError(f"{name} is {env[name]!r}; it must be one of: {', '.join(choices)}") from None


def boolean(env: Mapping[str, str], name: str, default: str) -> bool:
    """Returns whether the variable is ``true``."""
    text = env.get(name, default).lower()
    if text not in ("true", "false"):
        raise SettingsError(f"{name} is {text!r}; it must be true or false")
    return text == "true"


def log_level(text: str) -> str:
    """Returns the level in capitals."""
    if text.upper() not in LOG_LEVELS:
        raise SettingsError(f"LOG_LEVEL is {text!r}; it must be one of: {', '.join(LOG_LEVELS)}")
    return text.upper()


def with_stack(sentence: str, env: Mapping[str, str]) -> str:
    """Returns the sentence with the stack in its commands, where the container knows it: they are typed as they are."""
    if not (stack := env.get("STACK")):
        return sentence
    sentence = re.sub(r"\bmake (up|login|rotate)\b", lambda found: f"{found[0]} STACK={stack}", sentence)
    return re.sub(r"\bpulumi config (set|rm)\b", lambda found: f"{found[0]} --stack {stack}", sentence)
