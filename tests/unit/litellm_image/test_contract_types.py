"""A value of another type is refused, never taken for what it resembles."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.litellm_image.door import ASKED, MODELS

from claude_gateway.api.contract import Rejection, Route, admit


@pytest.mark.parametrize("route", [Route.MESSAGES, Route.CHAT])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", "5"),
        ("max_tokens", True),
        ("max_tokens", 5.5),
        ("temperature", "1"),
        ("temperature", True),
        ("top_p", True),
        ("stream", "yes"),
        ("stream", 1),
        ("tools", {}),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_path(route: Route, name: str, value: Any) -> None:
    with pytest.raises(Rejection) as refused:
        admit(route, {**ASKED, name: value}, models=MODELS, drop=False)
    assert (refused.value.status, refused.value.param) == (400, name)


@pytest.mark.parametrize("route", [Route.MESSAGES, Route.CHAT])
def test_a_whole_number_is_a_number(route: Route) -> None:
    assert admit(route, {**ASKED, "temperature": 1}, models=MODELS, drop=False)["temperature"] == 1


def test_what_may_be_null_may_be_left_out() -> None:
    tools = [{"type": "function", "name": "weather", "parameters": {"type": "object"}}]  # OpenAI's types want `strict`
    asked = {"model": "sonnet", "input": "hi", "tools": tools}
    assert admit(Route.RESPONSES, asked, models=MODELS, drop=False)["tools"] == tools
