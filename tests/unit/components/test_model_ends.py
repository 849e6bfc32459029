"""A model that ends is spoken of in time, and stops nothing."""

import json
from datetime import date, timedelta

import pytest

from rules import model_ends
from rules.setting_fields import MODELS
from tests.unit.components.conftest import Deploy
from tools.model_ends import models

END = date(2026, 11, 30)
SONNET = "claude-sonnet-4-5"


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (91, None),
        (90, "claude-sonnet-4-5 ends on 2026-11-30, in 90 days; its successor is claude-sonnet-5-5"),
        (1, "claude-sonnet-4-5 ends on 2026-11-30, in 1 days"),
        (0, "claude-sonnet-4-5 ended on 2026-11-30, 0 days ago"),
        (-7, "claude-sonnet-4-5 ended on 2026-11-30, 7 days ago; its successor is claude-sonnet-5-5"),
    ],
)
def test_a_model_is_spoken_of_from_90_days_before_its_end(days: int, words: str | None) -> None:
    today = END - timedelta(days=days)
    said = model_ends.sentences([SONNET, "claude-opus-5-5", SONNET], today)
    assert len(said) == (words is not None)
    assert not words or said[0].startswith(words)
    assert bool(model_ends.ended([SONNET], today)) == (days <= 0)


def test_a_model_without_a_successor_names_none() -> None:
    (said,) = model_ends.ended(["claude-mythos-preview"], END)
    assert "successor" not in said


def test_the_list_is_that_of_the_locked_litellm() -> None:
    assert json.loads(model_ends.LIST.read_text())["models"] == models(), "Fix: python -m tools.model_ends"


def test_no_default_ends_within_60_days_of_the_list() -> None:
    made = date.fromisoformat(json.loads(model_ends.LIST.read_text())["made"])
    assert model_ends.ended(MODELS.values(), made + timedelta(days=60)) == []


def test_the_preview_warns_with_a_command_and_goes_on(deploy: Deploy) -> None:
    graph = deploy("prod", models={"sonnet": SONNET})
    (warning,) = graph.warnings
    assert warning.startswith(f"the model {SONNET} end")
    assert "pulumi config set --stack prod --path 'models.NAME' MODEL, then make up STACK=prod" in warning
    assert graph.container("litellm")
    assert deploy("prod").warnings == []
