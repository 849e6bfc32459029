"""docs/monitoring.md: each metric has its row, with the labels that it has."""

import re
from pathlib import Path

from claude_gateway.api.metrics import GAUGES, Metrics

PREFIX = "litellm_claude"
ROWS = re.findall(
    r"^\| (`litellm_claude_.+?) \|(.*?)\| ",
    (Path(__file__).parents[3] / "docs" / "monitoring.md").read_text(),
    re.MULTILINE,
)
TOLD = {
    PREFIX + name.removeprefix(PREFIX): [label for label in labels.strip().split(", ") if label]
    for names, labels in ROWS
    for name in re.findall(r"`(\w+)`", names)
}


def test_each_metric_has_its_row_with_its_labels() -> None:
    metrics = Metrics(gauges=dict.fromkeys(GAUGES, float), pool_events={"started": 1})
    made = re.findall(r"^# TYPE (\w+) \w+$", metrics.text().decode(), re.MULTILINE)
    assert len(made) > 10
    assert sorted(TOLD) == sorted(name for name in made if not name.endswith("_created"))
    counted = metrics._registry._names_to_collectors
    labels = {name: list(vars(counted[name])["_labelnames"]) for name in made if name in counted}
    assert {name: told for name, told in TOLD.items() if told != labels.get(name, told)} == {}
