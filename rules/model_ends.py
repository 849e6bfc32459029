"""When Anthropic ends a model, and what follows it: ``model_ends.json``, made from LiteLLM's own list.

``python -m tools.model_ends`` makes the file anew from the locked LiteLLM; a test holds the two together.
"""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from pathlib import Path

LIST = Path(__file__).with_name("model_ends.json")
NOTICE = timedelta(days=90)
"""How long before its end a model is spoken of."""


@cache
def _ends() -> dict[str, tuple[date, str | None]]:
    listed = json.loads(LIST.read_text(encoding="utf-8"))["models"]
    return {name: (date.fromisoformat(said["ends"]), said["successor"]) for name, said in listed.items()}


def ended(models: Iterable[str], today: date) -> list[str]:
    """Returns a sentence for each of ``models`` (the upstream's names) that has ended."""
    return [_sentence(model, today) for model in _known(models) if _ends()[model][0] <= today]


def sentences(models: Iterable[str], today: date) -> list[str]:
    """Returns a sentence for each of ``models`` that has ended, or ends within :data:`NOTICE`."""
    return [_sentence(model, today) for model in _known(models) if _ends()[model][0] <= today + NOTICE]


def _known(models: Iterable[str]) -> list[str]:
    return [model for model in dict.fromkeys(models) if model in _ends()]


def _sentence(model: str, today: date) -> str:
    end, successor = _ends()[model]
    days = (end - today).days
    when = f"ended on {end}, {-days} days ago" if days <= 0 else f"ends on {end}, in {days} days"
    return f"{model} {when}" + (f"; its successor is {successor}" if successor else "")
