"""Pulumi.yaml and the settings say the same (tests/unit/house holds their page to both)."""

import yaml

from rules.configuration import FIELDS, SECRETS
from rules.settings import Settings
from tests.unit.components.conftest import ROOT


def test_pulumi_yaml_and_the_settings_name_the_same_things_with_the_same_defaults() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert list(declared) == list(FIELDS)
    defaults = Settings.model_validate({"environment": "development"})
    given = {name: entry["default"] for name, entry in declared.items() if entry["default"] != ""}
    assert Settings.model_validate({"environment": "development", **given}) == defaults
    assert all(entry["description"] and entry["type"] for entry in declared.values())
    for name in SECRETS:
        assert declared[name]["description"].startswith("Secret. ")
