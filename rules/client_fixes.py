"""The commands that fix a client that is refused; each is about that client alone."""

import re
from collections.abc import Sequence

from rules.clients import NAME, Client

FIELDS = [str(field.alias) for field in Client.model_fields.values()]
EXAMPLES = {
    "models": "sonnet",
    "cidrs": "10.20.0.0/16",
    "expires": "2027-03-31",
    "requestsPerMinute": "60",
    "tokensPerMinute": "200000",
    "maxParallel": "4",
    "keyRotation": "2026-11-24",
    "previousKeyRotation": "initial",
    "previousKeyExpires": "2026-11-25T12:00:00Z",
}
LISTS = ("models", "cidrs")
PREVIOUS = ("previousKeyRotation", "previousKeyExpires")
WORD = re.compile(r"[A-Za-z0-9]{1,64}")
PARTS = re.compile(r"[^.\[\]]+")


def location_of(path: str) -> list[str | int]:
    """Returns ``clients.alice.models[1]`` in its parts."""
    return [int(part) if part.isdecimal() else part for part in PARTS.findall(path)]


def fix(location: Sequence[str | int], kind: str, stack: str, example: str | None = None) -> str:
    """Returns the commands, or what to change in the file where a word is no name that a command may hold.

    :param location: of what is wrong: ``clients``, the client, its setting, the place in a list.
    :param kind: pydantic's, of the error.
    :param example: what to set; one that fits any stack if there is none.
    """
    client, *rest = map(str, location[1:])
    if not NAME.fullmatch(client) or location[-1] == "[key]":
        return f"Fix: give it another name in Pulumi.{stack}.yaml"
    path = f"clients.{client}"
    if not rest:
        lost = [f"{path}.{name}" for name in PREVIOUS] if kind == "value_error" else [path]
        again = [] if kind == "value_error" else [_set(f"{path}.requestsPerMinute", "60", stack)]
        return _typed(*(_remove(one, stack) for one in lost), *again)
    field = rest[0]
    if field not in FIELDS:
        known = WORD.fullmatch(field)
        return _typed(_remove(f"{path}.{field}", stack)) if known else f"Fix: take it out of Pulumi.{stack}.yaml"
    value = example or EXAMPLES[field]
    if field not in LISTS:
        return _typed(_set(f"{path}.{field}", value, stack))
    first = [] if rest[1:] else [_remove(f"{path}.{field}", stack)]  # what is no list cannot be given a first item
    return _typed(*first, _set(f"{path}.{field}[{(*rest, 0)[1]}]", value, stack))


def _typed(*commands: str) -> str:
    return f"Fix: {'; '.join(commands)}"


def _set(path: str, value: str, stack: str) -> str:
    return f"pulumi config set --path '{path}' {value} --stack {stack}"


def _remove(path: str, stack: str) -> str:
    return f"pulumi config rm --path '{path}' --stack {stack}"
