"""Pulumi.yaml, the README and the settings say the same."""

import yaml

from components.configuration import FIELDS, SECRETS
from components.settings import Settings
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


def test_the_readme_lists_every_setting_with_its_description() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `")]
    for name, entry in declared.items():
        assert [row for row in rows if row.startswith(f"| `{name}` |") and row.endswith(f"| {entry['description']} |")]
