"""Bodies that nobody would send: valid requests with a few changes, as JSON or as bytes."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

JUNK: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 10**30, "", "x", "text", "user", [], {}, [[]], [None], {"type": "text"}),
    *({"type": None}, {"role": "user"}, ["x"], [{}], {"x": {"y": []}}, "\x00", "\x1b[31m", "a" * 500, {"\n": 1}),
]


NAMES = ["x", "type", "role", "content", "api_base", "id", "\x1b", "metadata"]


def mutated(body: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """`body` with up to four changes anywhere: another value, one less, one more, one from elsewhere."""
    body = json.loads(json.dumps(body))
    for _ in range(chance.randint(1, 4)):
        places = list(containers(body))
        place = chance.choice(places)
        keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
        new = deepcopy(chance.choice([*JUNK, *places[:20]]))
        kind = chance.randrange(3)
        if kind == 0 and isinstance(place, dict):
            place[chance.choice(NAMES)] = new
        elif kind == 0:
            place.append(new)
        elif kind == 1 and keys:
            del place[chance.choice(keys)]
        elif keys:
            place[chance.choice(keys)] = new
    return body


def containers(value: Any) -> Any:
    if isinstance(value, dict | list):
        yield value
        for member in value.values() if isinstance(value, dict) else value:
            yield from containers(member)


FRAGMENTS = (
    *(
        b"",
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\\ud800",
        b"\\u0000",
        b"\\x",
        b'"',
        b"{",
        b"[",
        b"]",
        b"}",
        b",",
    ),
    *(
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"00",
        b"-",
        b"null",
        b"/*x*/",
        b"\n",
        b"\x1b[31m",
        b'"model":"opus",',
        b"[" * 2000,
    ),
)


def broken(body: dict[str, Any], chance: random.Random) -> bytes:
    """`body` as JSON with something put in, taken out or cut off, so that it may be none any more."""
    raw = json.dumps(body).encode()
    for _ in range(chance.randint(1, 3)):
        place, length = chance.randrange(len(raw) + 1), chance.choice((0, 0, 1, 2, 20))
        raw = raw[:place] + chance.choice(FRAGMENTS) + raw[place + length :]
    return raw[: chance.randrange(len(raw) + 1)] if chance.random() < 0.2 else raw
