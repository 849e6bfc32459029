"""Whatever a body holds, it enters or is refused in plain words."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from testbed.fakes.mutations import mutated
from tests.unit.litellm_image.contract_cases import LARGE, MODELS, SMALL

from claude_gateway.api.contract import Rejection, Route, admit

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
