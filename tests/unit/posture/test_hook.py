"""The hook's decision: what it checks, what stops an update, and what it says."""

import asyncio
import os
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from posture import hook
from posture.context import Context
from posture.edge import NOT_THE_API, Answer, Edge
from posture.engine import EngineError
from posture.model import REGISTRY
from rules.settings import Settings
from tests.unit.posture.conftest import INPUTS, KEY, Make
from tests.unit.posture.test_acme import SETTINGS as ACME

NOT_ALLOWED = {"health": Answer(0, error="no answer")}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lines.append)
    monkeypatch.setattr(Edge, "wait", lambda *_: None)
    monkeypatch.setattr(Edge, "get", lambda *_, **__: Answer(0, error="no answer"))
    monkeypatch.setattr(Context, "warm", lambda *_: None)
    return lines


def run(monkeypatch: pytest.MonkeyPatch, context: Context, ids: set[str]) -> None:
    monkeypatch.setattr(hook, "Context", lambda *_: context)
    monkeypatch.setattr(hook, "REGISTRY", {id_: made for id_, made in REGISTRY.items() if id_ in ids})
    hook.refuse_insecure(context.declaration)


def test_a_secure_stack_is_told_of(said: list[str], make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, make(edge=NOT_ALLOWED), {"cis.5.13", "key.strength"})
    assert len(said) == 1
    assert said[0].startswith("posture: 2 checks of the running stack in")


def test_an_insecure_stack_stops_the_update(said: list[str], make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def weaken(found: dict[str, Any]) -> None:
        found["litellm"]["HostConfig"]["ReadonlyRootfs"] = False

    with pytest.raises(RuntimeError) as error:
        run(monkeypatch, make(weaken, edge=NOT_ALLOWED), {"cis.5.13"})
    text = str(error.value)
    fix = "docker rm --force CONTAINER, which the evidence names, then make up STACK="
    assert f"cis.5.13: litellm: is writable. Fix: env DOCKER_HOST={os.environ['DOCKER_HOST']} {fix}" in text
    assert "make verify STACK=test" in text
    assert said == []


def test_what_is_no_failure_of_severity_high_lets_it_pass(
    said: list[str], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weaken(found: dict[str, Any]) -> None:
        found["litellm"]["HostConfig"]["Ulimits"] = [{"Name": "nproc", "Soft": 1, "Hard": 1}]

    context = make(weaken, edge=NOT_ALLOWED)
    assert REGISTRY["cis.5.19"].run(context).status == "fail"
    run(monkeypatch, context, {"cis.5.19"})
    assert said


def test_an_engine_that_cannot_be_asked_stops_the_update(
    said: list[str], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise EngineError("there is no docker command on PATH")

    monkeypatch.setattr(Context, "warm", broken)
    with pytest.raises(RuntimeError, match="could not be checked: there is no docker command"):
        run(monkeypatch, make(), set())
    assert said == []


def test_the_fast_subset_covers_key_access_and_containers() -> None:
    fast = {id_ for id_, made in REGISTRY.items() if made.fast}
    assert {"key.as-declared", "access.no-key", "access.model-api-only", "network.published", "cis.5.5"} <= fast
    assert not {"https.profile", "network.outsider", "supply.packages", "drift.unknown-containers"} & fast
    assert "/key/generate" in NOT_THE_API


def test_the_declaration_of_an_update_holds_what_the_program_made() -> None:
    inputs = {**INPUTS, "id": "i", "name": "n", "envs": [f"LITELLM_MASTER_KEY={KEY}", "LOG_LEVEL=INFO"]}
    settings = Settings.model_validate({"environment": "production", "allowedCidrs": ["10.0.0.0/8"]})
    made = hook.declaration_of("test", settings, {"litellm": inputs}, {"backend": "net"}, "volume")
    assert made.complete is False
    assert (made.key, made.name, made.containers["litellm"].networks) == (KEY, "litellm-claude-test", {"net"})
    assert made.secrets == {KEY}
    assert KEY not in repr(made.settings)


@pytest.mark.parametrize(("problem", "asked"), [("the CA gave none", False), (None, True)])
def test_without_a_certificate_by_acme_nothing_else_is_looked_at(
    said: list[str], make: Make, monkeypatch: pytest.MonkeyPatch, problem: str | None, asked: bool
) -> None:
    monkeypatch.setattr("posture.acme.wait", lambda *_: problem)
    if asked:
        run(monkeypatch, make(settings=ACME, edge=NOT_ALLOWED), set())
    else:
        with pytest.raises(RuntimeError, match=r"^the CA gave none\. Correct that, then: make up STACK=test "):
            run(monkeypatch, make(settings=ACME, edge=NOT_ALLOWED), set())
    assert bool(said) is asked


def test_an_update_that_is_not_to_be_checked_is_not(
    said: list[str], make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Context, "warm", lambda *_: pytest.fail("it was looked at"))
    run(monkeypatch, make(settings={"verifyOnUpdate": False}), set())
    assert said == []


@pytest.mark.parametrize("known", [True, False])
def test_the_hook_checks_what_the_program_has_made(make: Make, monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    checked: list[Any] = []
    monkeypatch.setattr(hook, "refuse_insecure", checked.append)
    monkeypatch.setattr(hook, "declaration_of", lambda *given: given)
    future: asyncio.Future[Any] = asyncio.Future(loop=asyncio.new_event_loop())
    output = SimpleNamespace(future=lambda: future)
    monkeypatch.setattr(pulumi.Output, "all", lambda *_: output)
    settings = make().settings
    verify = hook.verifier(settings, *["given"] * 3)  # type: ignore[arg-type]
    future.set_result(["containers", "networks", "volume"] if known else None)
    call: Any = verify(None)  # type: ignore[arg-type]
    if known:
        future.get_loop().run_until_complete(call)
        assert checked == [(pulumi.get_stack(), settings, "containers", "networks", "volume")]
    else:
        with pytest.raises(RuntimeError, match="the declaration is not known"):
            future.get_loop().run_until_complete(call)
    future.get_loop().close()
