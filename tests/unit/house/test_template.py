"""What `pulumi new` asks is what somebody must decide, in the settings' own words."""

from typing import Any

import pytest
import yaml

from rules.configuration import FIELDS, SECRETS
from rules.settings import Settings
from tests.unit.components.conftest import ROOT

TEMPLATE: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["template"]
ASKED: dict[str, dict[str, Any]] = TEMPLATE["config"]


@pytest.mark.parametrize("name", ASKED)
def test_a_question_is_about_a_setting_and_says_what_it_is(name: str) -> None:
    assert name in FIELDS
    assert set(ASKED[name]) <= {"description", "default", "secret"}  # what Pulumi knows
    assert 20 < len(ASKED[name]["description"]) < 120


def test_every_secret_is_typed_unseen_and_no_other() -> None:
    assert {name for name, question in ASKED.items() if question.get("secret")} == SECRETS & set(ASKED)
    assert all("default" not in ASKED[name] for name in SECRETS & set(ASKED))


def test_who_answers_nothing_has_a_stack_that_works() -> None:
    given = {name: question["default"] for name, question in ASKED.items() if "default" in question}
    assert all(isinstance(value, str) for value in given.values())  # Pulumi's form of an answer
    assert Settings.model_validate(given).url == "http://localhost:4000"


def test_pulumi_installs_what_the_lock_holds() -> None:
    (line,) = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert line == "-r requirements.lock"
