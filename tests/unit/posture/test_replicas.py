"""Checks of a stack with several LiteLLM containers: what one of them does wrong is found, and named."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import posture.checks  # noqa: F401 - fills the registry
from posture.context import Context
from posture.engine import EngineError
from posture.model import REGISTRY, Outcome, Status
from posture.run import examine, judged
from posture.running import Running
from tests.unit.posture.conftest import INSIDE, KEY, Make

SHARED = replace(INSIDE, limits="of all replicas")
ALONE = replace(INSIDE, limits="of this replica alone")
OF_LITELLM: dict[str, Callable[[dict[str, Any]], None]] = {
    "key.custom": lambda found: found["Config"]["Env"].append("LITELLM_MASTER_KEY=sk-1234"),
    "key.as-declared": lambda found: found["Config"]["Env"].append("LITELLM_MASTER_KEY=sk-other"),
    "clients.as-declared": lambda found: found["Config"]["Env"].append("GATEWAY_CLIENTS={}"),
    "login.volume": lambda found: None,
    "login.separate": lambda found: found["Config"]["Env"].append(f"ANTHROPIC_API_KEY={KEY}"),
    "network.backend-closed": lambda found: found["NetworkSettings"]["Networks"].update(other={}),
}
"""Checks that look at LiteLLM's container, and what each finds wrong with it."""


def outcome(make: Make, check: str, *arguments: Any, **given: Any) -> Outcome:
    return judged(REGISTRY[check], make(*arguments, **{"replicas": 2, **given}))


@pytest.mark.parametrize("check", sorted(OF_LITELLM))
def test_what_the_second_one_does_wrong_is_found_and_named(make: Make, check: str) -> None:
    found = outcome(make, check, lambda there: OF_LITELLM[check](there["litellm-2"]))
    assert found.status is Status.FAIL
    assert "litellm-2: " in found.evidence


@pytest.mark.parametrize("field", ["keys", "default_routes", "neighbours", "names"])
def test_what_is_tried_inside_is_tried_in_each(make: Make, field: str) -> None:
    wrong: dict[str, tuple[str, Any]] = {
        "keys": ("access.no-key", {**INSIDE.keys, "none": 200}),
        "default_routes": ("network.no-internet", ["172.17.0.1"]),
        "neighbours": ("network.no-host", {"172.17.0.1": True}),
        "names": ("network.no-dns", {"posture.example.com": True}),
    }
    check, value = wrong[field]
    inside = {"inside litellm-2": replace(INSIDE, **{field: value})}
    edge = {"health": SimpleNamespace(status=0, error="timeout")}
    found = outcome(make, check, settings={"allowHost": False}, edge=edge, **inside)
    assert found.status is Status.FAIL
    assert found.evidence.startswith("litellm-2: ")


def test_what_all_do_right_is_told_once(make: Make) -> None:
    assert outcome(make, "network.no-internet") == outcome(make, "network.no-internet", replicas=1)


def test_a_check_of_something_else_runs_once(make: Make) -> None:
    check, ran = REGISTRY["cis.4.1"], []

    def run(context: Context) -> Outcome:
        ran.append(check.id)
        return check.run(context)

    judged(replace(check, run=run), make(replicas=3))
    assert ran == ["cis.4.1"]


def test_one_that_does_not_run_fails_what_is_asked_of_it(make: Make) -> None:
    context = make(lambda there: there["litellm-2"]["State"].update(Running=False, Status="exited"), replicas=2)
    with pytest.raises(EngineError, match="the litellm-2 container does not run"):
        judged(REGISTRY["key.custom"], context)
    (finding,) = examine(context, [REGISTRY["key.custom"]], only=["key.custom"]).findings
    assert finding.fatal


def test_they_share_the_logins_volume_with_each_other_alone(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    context = make(replicas=2)
    lines = "id-litellm litellm\nid-litellm-2 litellm-2\n"
    monkeypatch.setattr(context.engine, "run", lambda *_, **__: lines)
    assert judged(REGISTRY["login.volume-shared"], context).status is Status.PASS
    monkeypatch.setattr(context.engine, "run", lambda *_, **__: lines + "id-other other\n")
    assert "other mounts volume too" in judged(REGISTRY["login.volume-shared"], context).evidence


@pytest.mark.parametrize(
    ("first", "second", "status", "named"),
    [
        (SHARED, SHARED, Status.PASS, "counted in Valkey"),
        (SHARED, ALONE, Status.FAIL, "litellm-2: Valkey cannot be reached"),
        (ALONE, ALONE, Status.FAIL, "litellm: Valkey cannot be reached"),
        (INSIDE, SHARED, Status.FAIL, "litellm: Valkey cannot be reached"),
    ],
)
def test_limits_that_hold_for_one_replica_alone_are_found(
    make: Make, first: Any, second: Any, status: Status, named: str
) -> None:
    found = outcome(make, "clients.limits-shared", **{"inside": first, "inside litellm-2": second})
    assert found.status is status
    assert named in found.evidence


def test_one_container_shares_nothing(make: Make) -> None:
    for check in ("clients.limits-shared", "network.limits-closed"):
        assert outcome(make, check, replicas=1).status is Status.NOT_APPLICABLE


def test_a_stranger_beside_valkey_is_found(make: Make) -> None:
    context = make(replicas=2)
    closed = {"Name": "net", "Internal": True, "Options": {"com.docker.network.bridge.inhibit_ipv4": "true"}}
    own = [c for c in context.running.containers if c["Name"] in ("/litellm", "/litellm-2", "/valkey")]
    seen = context.running
    for there, status in ((own, Status.PASS), (seen.containers, Status.FAIL)):
        context.running = Running(tuple(there), {"net": closed}, seen.images, seen.volume, seen.engine)
        assert judged(REGISTRY["network.limits-closed"], context).status is status


def test_valkeys_image_is_judged_like_the_others(make: Make) -> None:
    assert "valkey" in make(replicas=2, settings={"replicas": 2}).built_here()
    assert "valkey" not in make().built_here()
