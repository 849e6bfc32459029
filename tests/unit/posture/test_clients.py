"""What posture says of the stack's clients."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import posture.checks  # noqa: F401 - fills the registry
from posture.model import REGISTRY
from tests.unit.posture.conftest import Make

IDS = sorted(id_ for id_ in REGISTRY if id_.startswith("clients.") and id_ != "clients.metrics")
NOW = datetime(2026, 11, 26, 23, 59, tzinfo=UTC)
TODAY = NOW.date()
ALICE: dict[str, Any] = {"alice": {}}


@pytest.mark.parametrize("id_", IDS)
def test_without_clients_nothing_is_judged(make: Make, id_: str) -> None:
    assert REGISTRY[id_].run(make()).status.value == "not-applicable"


@pytest.mark.parametrize(
    ("id_", "settings", "created", "log", "expected"),
    [
        ("clients.expired", {"clients": {"alice": {"expires": str(TODAY)}}}, None, "", "pass"),
        ("clients.expired", {"clients": {"alice": {"expires": str(TODAY - timedelta(days=1))}}}, None, "", "warn"),
        ("clients.key-age", {"clients": ALICE}, TODAY - timedelta(days=90), "", "pass"),
        ("clients.key-age", {"clients": ALICE}, TODAY - timedelta(days=91), "", "fail"),
        ("clients.key-age", {"clients": ALICE}, None, "", "pass"),
        ("clients.used", {"clients": ALICE}, None, '{"client": "alice"}', "pass"),
        ("clients.used", {"clients": ALICE}, None, '{"client": "alice2"}', "warn"),
        ("clients.master-key", {"clients": ALICE}, None, "", "warn"),
        ("clients.master-key", {"clients": ALICE, "masterKeyCallsModels": False}, None, "", "pass"),
    ],
)
def test_each_rule_has_both_outcomes(
    make: Make, id_: str, settings: dict[str, Any], created: Any, log: str, expected: str
) -> None:
    context = make(settings=settings, logs={"litellm": log})
    context.now = NOW
    object.__setattr__(
        context.declaration, "clients", {"alice": {"generation": "initial", "created": created and str(created)}}
    )
    assert REGISTRY[id_].run(context).status.value == expected


def test_clients_that_somebody_else_handed_over_are_found(make: Make) -> None:
    def change(found: dict[str, Any]) -> None:
        found["litellm"]["Config"]["Env"][-1] = "GATEWAY_CLIENTS={}"

    settings, env = {"clients": ALICE}, {"GATEWAY_CLIENTS": '{"alice": {}}'}
    assert REGISTRY["clients.as-declared"].run(make(settings=settings, env=env)).status.value == "pass"
    assert REGISTRY["clients.as-declared"].run(make(change, settings=settings, env=env)).status.value == "fail"
    assert REGISTRY["clients.as-declared"].run(make(change)).status.value == "fail"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, "pass"), ({"metricsPort": 9464}, "pass"), ({"metricsPort": 9464, "metricsAddress": "10.0.0.1"}, "warn")],
)
def test_metrics_beyond_this_machine_are_pointed_out(make: Make, settings: dict[str, Any], expected: str) -> None:
    assert REGISTRY["clients.metrics"].run(make(settings=settings)).status.value == expected
