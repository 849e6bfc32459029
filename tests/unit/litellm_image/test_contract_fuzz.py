"""Whatever a body holds, it enters or is refused in plain words."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.litellm_image.contract_cases import LARGE, MODELS, SMALL

from claude_gateway.front.contract import Rejection, Route, admit

WORDS_OF_PYTHON = (
    "Input should",
    "dict",
    "list[",
    "NoneType",
    "Field required",
    "tag",
    "Unable",
    "valid string",
    "str ",
)
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


@pytest.mark.parametrize("route", list(SMALL))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_any_body_enters_or_is_refused(route: Route, seed: int) -> None:
    """5,000 bodies a route: each of the examples makes 25."""
    chance = random.Random(seed)
    for _ in range(25):
        body = mutated(chance.choice([SMALL[route], LARGE[route]]), chance)
        drop = chance.random() < 0.3
        try:
            made = admit(route, body, models=MODELS, drop=drop)
        except Rejection as error:
            rejection = error
        else:
            assert made["model"] in ("claude-sonnet-4-5", "claude-opus-5-5")
            continue
        assert 400 <= rejection.status < 500
        assert rejection.message.isprintable(), rejection.message
        assert not any(word in rejection.message for word in WORDS_OF_PYTHON), rejection.message
