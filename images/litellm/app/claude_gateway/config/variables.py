"""What is wrong with a variable and how to fix it, in a sentence that names it and never quotes a secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError, WrapValidator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import ValidatorFunctionWrapHandler
    from pydantic_core import ErrorDetails


class SettingsError(ValueError):
    """A setting that the container cannot start with. The message names the variable and says what fixes it."""


def form(words: str, fits: Callable[[str], object] = bool, *, shown: bool = False) -> WrapValidator:
    """What a text must be, and the same in words. A text of another form is quoted only where it is `shown`."""

    def check(text: str, validate: ValidatorFunctionWrapHandler) -> Any:
        entry = ""
        try:
            if fits(text):
                return validate(text)
        except ValidationError as error:
            entry = "".join(f"; the entry {name!r} is not" for name in error.errors()[0]["loc"][:1])
        except ValueError:
            pass
        found = "is missing; it " if not text else f"is {text!r}; it " if shown else ""
        raise ValueError(f"{found}must be {words}{entry}")

    return WrapValidator(check)


def between(low: int, high: int, what: str = "a whole number") -> WrapValidator:
    """A number of the range, both ends included."""
    return form(f"{what} from {low} to {high}", lambda text: low <= float(text) <= high, shown=True)


def sentence(problem: ErrorDetails) -> str:
    """One of pydantic's errors in a sentence. It quotes what is none of a few choices, and nothing else."""
    variable = "".join(map(str, problem["loc"][:1]))
    if own := problem.get("ctx", {}).get("error"):
        return f"{variable} {own}".strip()
    found = f"is {problem['input']!r}; it " if problem["type"] in ("enum", "literal_error") else ""
    return f"{variable} {found}{problem['msg'].replace('Input should', 'must')}"


def with_stack(sentence: str, env: Mapping[str, str]) -> str:
    """Returns the sentence with the stack in its commands, where the container knows it: they are typed as they are."""
    if not (stack := env.get("STACK")):
        return sentence
    sentence = re.sub(r"\bmake (up|login|rotate)\b", lambda found: f"{found[0]} STACK={stack}", sentence)
    return re.sub(r"\bpulumi config (set|rm)\b", lambda found: f"{found[0]} --stack {stack}", sentence)
