"""How an update waits for a certificate by ACME, and what is said of it afterwards."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

import posture.checks  # noqa: F401 - fills the registry
from posture import acme
from posture.context import Context
from posture.declaration import DeclaredContainer
from posture.engine import EngineError
from posture.model import REGISTRY
from tests.unit.posture.conftest import INPUTS, Make

NAME = "gw.example.org"
SETTINGS = {
    "tls": "acme",
    "hostname": NAME,
    "acmeEmail": "you@example.org",
    "acmeChallenge": "http-01",
    "redirectPort": 80,
}
FAILED = {"state": "failed", "ends": None, "times": 1, "said": "the CA gave none"}
SERVED = {"state": "served", "ends": 1.0, "times": 0, "said": ""}


class Engine:
    """Answers with one state after the other; ``reported`` is whether an update has told of the failure before."""

    local, host = False, "ssh://gw"

    def __init__(
        self, *states: dict[str, Any] | None, reported: bool = False, taken: bool = True, pem: str = ""
    ) -> None:
        self.states, self.reported, self.taken, self.pem = list(states), reported, taken, pem
        self.signals = 0

    def run(self, *arguments: str, **_: Any) -> str:
        if arguments[0] == "kill":
            self.signals += 1
        if arguments[2] == "touch":
            self.reported = True
        if arguments[-1].endswith("chain.pem"):
            return self.pem
        if arguments[-1].endswith("state.json"):
            now = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            if now is None:
                raise EngineError("no such file")
            return json.dumps(now)
        return ""

    def call(self, *arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        holds = self.reported if arguments[2] == "test" else self.taken
        return subprocess.CompletedProcess(arguments, 0 if holds else 1, "", "")


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(acme, "TAKEN_SECONDS", 0.05)


@pytest.fixture
def context(make: Make) -> Context:
    made = make(settings=SETTINGS)
    containers = dict(made.declaration.containers)
    containers["acme"] = DeclaredContainer("acme", "id-acme", {**INPUTS, "name": "acme"})
    object.__setattr__(made.declaration, "containers", containers)
    return made


def wait(context: Context, engine: Engine, seconds: float = 5) -> str | None:
    return acme.wait(context.declaration, engine, seconds)  # type: ignore[arg-type]


def test_an_update_waits_until_the_gateway_shows_it(context: Context) -> None:
    assert wait(context, Engine(None, {"state": "trying", "ends": None}, SERVED)) is None
    assert "has not taken the certificate" in str(wait(context, Engine(SERVED, taken=False)))


def test_the_first_failure_ends_the_update_with_the_cas_words(context: Context) -> None:
    engine = Engine(FAILED)
    assert wait(context, engine) == "the CA gave none"
    assert (engine.signals, engine.reported) == (0, True)


def test_the_next_update_asks_at_once_and_does_not_tell_of_the_old_failure(context: Context) -> None:
    engine = Engine(FAILED, FAILED, {"state": "trying", "ends": None}, SERVED, reported=True)
    assert wait(context, engine) is None
    assert engine.signals == 1
    again = Engine(FAILED, FAILED, {**FAILED, "times": 2, "said": "no again"}, reported=True)
    assert wait(context, again) == "no again"


def test_a_try_that_began_before_the_update_says_nothing_of_it(context: Context) -> None:
    trying = {"state": "trying", "ends": None, "times": 1}
    begun_before = {**FAILED, "times": 2, "said": "of what was fixed"}
    engine = Engine(
        trying, begun_before, {**trying, "times": 2}, {**FAILED, "times": 3, "said": "no again"}, reported=True
    )
    assert wait(context, engine) == "no again"
    assert engine.signals == 1


def test_a_ca_that_never_answers_ends_the_update_too(context: Context) -> None:
    said = wait(context, Engine({"state": "trying", "ends": None}), 0.05)
    assert said == f"no certificate for {NAME} within 0 s"


def judged(context: Context, engine: Engine, check: str) -> tuple[str, str]:
    context.engine = engine  # type: ignore[assignment]
    context.edge._engine = engine  # type: ignore[assignment]
    outcome = REGISTRY[check].run(context)
    return outcome.status.value, outcome.evidence


def test_a_failing_renewal_is_a_failed_check_with_the_cas_words(context: Context) -> None:
    assert judged(context, Engine(SERVED), "https.acme")[0] == "pass"
    assert judged(context, Engine(FAILED), "https.acme") == ("fail", "the CA gave none; tried 1 times")
    assert judged(context, Engine({"state": "trying", "ends": None}), "https.acme")[0] == "fail"


def test_other_certificates_are_not_judged_by_it(make: Make) -> None:
    for check in ("https.acme", "network.acme-closed"):
        assert REGISTRY[check].run(make()).status.value == "not-applicable"


@pytest.mark.parametrize(
    ("begun", "left", "status"), [(60, 30, "pass"), (80, 10, "fail"), (4, 2, "pass"), (5, 1, "fail")]
)
def test_days_left_are_judged_by_the_lifetime_of_each(context: Context, begun: int, left: int, status: str) -> None:
    now = datetime.now(UTC)
    issued = trustme.CA().issue_cert(NAME, not_before=now - timedelta(days=begun), not_after=now + timedelta(days=left))
    pem = b"".join(blob.bytes() for blob in issued.cert_chain_pems).decode()
    assert judged(context, Engine(SERVED, pem=pem), "https.days-left")[0] == status


def test_a_certificate_for_another_name_is_found_without_its_key(context: Context) -> None:
    pem = trustme.CA().issue_cert("other.example.org").cert_chain_pems[0].bytes().decode()
    assert judged(context, Engine(SERVED, pem=pem), "https.certificate") == (
        "fail",
        f"the certificate does not cover the hostname {NAME}",
    )
