"""What the checks make of an engine's answers, beyond what the tamper tests show on a real stack."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from posture import debian, inside
from posture.checks.supply import locked
from posture.debian import Packages
from posture.edge import Answer
from posture.engine import Engine
from posture.inside import Inside, Process
from posture.model import REGISTRY, Status
from posture.secrets import without_public
from rules.keys import DEVELOPMENT_KEY
from tests.unit.posture.conftest import INSIDE, Make


def status(context: Any, id_: str) -> str:
    return REGISTRY[id_].run(context).status.value


def changed(**values: Any) -> Inside:
    return Inside(**{**INSIDE.__dict__, **values})


CLOSED = {"com.docker.network.bridge.inhibit_ipv4": "true"}
MTU = {"com.docker.network.driver.mtu": "1400"}


@pytest.mark.parametrize(
    ("declared", "found", "expected"),
    [
        (CLOSED, CLOSED, "pass"),
        (CLOSED, CLOSED | MTU, "pass"),  # of the engine's own accord
        (CLOSED | MTU, CLOSED | MTU, "pass"),  # as a refresh writes it down
        (CLOSED, MTU, "fail"),
        (CLOSED, {}, "fail"),
        (CLOSED, CLOSED | {"com.docker.network.bridge.gateway_mode_ipv4": "routed"}, "fail"),
    ],
)
def test_a_networks_options_are_the_declared_ones_but_for_what_an_engine_adds(
    make: Make, declared: dict[str, str], found: dict[str, str], expected: str
) -> None:
    context = make()
    inputs = {"name": "net", "driver": "bridge", "internal": True, "options": declared}
    running = {"Name": "net", "Driver": "bridge", "Internal": True, "Options": found}
    context.declaration = replace(context.declaration, networks={"door": inputs})
    context.running = replace(context.running, networks={"net": running})
    assert status(context, "drift.networks") == expected


def test_an_engine_with_apparmor_must_use_it(make: Make) -> None:
    engine = {"SecurityOptions": ["name=apparmor", "name=seccomp"]}
    assert status(make(engine=engine), "cis.5.2") == "fail"
    assert status(make(), "cis.5.2") == "not-applicable"


@pytest.mark.parametrize("options", [["name=seccomp,profile=unconfined"], [], None])
def test_an_engine_without_seccomp_fails(make: Make, options: list[str] | None) -> None:
    assert status(make(engine={"SecurityOptions": options}), "cis.5.22") == "fail"
    assert status(make(engine={"SecurityOptions": ["name=seccomp,profile=builtin"]}), "cis.5.22") == "pass"


def test_a_tag_is_no_image_by_content(make: Make) -> None:
    def change(found: dict[str, Any]) -> None:
        found["egress"]["Config"]["Image"] = "egress:latest"

    assert status(make(change), "cis.5.28") == "fail"


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        (None, "warn"),
        ({"uid": 10001, "mode": 0o600, "expires": 8, "refreshable": False}, "pass"),
        ({"uid": 10001, "mode": 0o600, "expires": 6, "refreshable": False}, "fail"),
        ({"uid": 10001, "mode": 0o600, "expires": -1, "refreshable": True}, "pass"),
        ({"uid": 10001, "mode": 0o600, "expires": 8, "refreshable": True, "allowed": False}, "fail"),
        ({"uid": 10001, "mode": 0o600, "error": "ValueError"}, "fail"),
    ],
)
def test_a_login_must_last_or_renew_itself(make: Make, login: dict[str, Any] | None, expected: str) -> None:
    if login and "expires" in login:
        end = datetime.now(UTC) + timedelta(days=login["expires"])
        login = {"allowed": True, **login, "expires": end.timestamp()}
    assert status(make(inside=changed(login=login)), "login.present") == expected


@pytest.mark.parametrize(("hours", "answer", "expected"), [(1, 200, "pass"), (-1, 401, "warn"), (-1, 200, "fail")])
def test_a_previous_key_past_its_expiry_must_be_refused(make: Make, hours: int, answer: int, expected: str) -> None:
    expires = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    env = {"LITELLM_PREVIOUS_MASTER_KEY": "sk-old", "LITELLM_PREVIOUS_KEY_EXPIRES": expires}
    context = make(env=env, inside=changed(keys={**INSIDE.keys, "previous": answer}))
    assert status(context, "key.previous") == expected


def test_a_previous_key_without_an_end_fails(make: Make) -> None:
    context = make(env={"LITELLM_PREVIOUS_MASTER_KEY": "sk-old"}, inside=changed(keys={"previous": 200}))
    assert status(context, "key.previous") == "fail"


@pytest.mark.parametrize(("version", "expected"), [("1.108.7", "pass"), ("1.82.8", "fail"), ("1.83.9", "fail")])
def test_a_bad_litellm_release_is_found(make: Make, version: str, expected: str) -> None:
    assert status(make(inside=changed(packages={"litellm": version})), "supply.litellm") == expected


@pytest.mark.parametrize(("days", "expected"), [(0, "pass"), (30, "pass"), (31, "fail"), (None, "fail")])
def test_security_updates_must_not_be_old(make: Make, days: int | None, expected: str) -> None:
    now = datetime(2026, 11, 26, 23, 59, tzinfo=UTC)
    today = now.date()
    updated = None if days is None else today - timedelta(days=days)
    fresh = Packages(today, {"libc6": today - timedelta(days=90), "haproxy": today})
    context = make(debian={"gateway": Packages(updated, fresh.installed), "egress": fresh})
    context.now = now
    outcome = REGISTRY["supply.updates"].run(context)
    assert outcome.status.value == expected
    assert ("gateway" in outcome.evidence) or days == 0
    assert expected == "fail" or f"2 packages of {today - timedelta(days=90)} to {today}" in outcome.evidence


def test_packages_are_read_with_their_days() -> None:
    class Told:
        def run(self, *_arguments: str) -> str:
            return "2026-11-26\n2026-11-01 libc6:amd64.list\n2026-11-26 haproxy.list\n"

    found = debian.look(Told(), "id")  # type: ignore[arg-type]
    assert found == Packages(date(2026, 11, 26), {"libc6": date(2026, 11, 1), "haproxy": date(2026, 11, 26)})


def test_packages_that_differ_from_the_lock_are_named(make: Make) -> None:
    outcome = REGISTRY["supply.packages"].run(make(inside=changed(packages={"litellm": "1.0.0", "evil": "1"})))
    assert outcome.status is Status.FAIL
    assert "evil is not locked" in outcome.evidence
    assert "litellm is 1.0.0" in outcome.evidence


def test_a_lock_is_read_with_its_markers(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text(
        "A_b==1.0 \\\n    --hash=sha256:x\nwin==2 ; sys_platform == 'win32' \\\n    --hash=y\nextra[z]==3 \\\n"
    )
    assert locked(lock) == ({"a-b": "1.0", "win": "2", "extra": "3"}, {"win"})


@pytest.mark.parametrize("name", ["none", "wrong", "malformed"])
def test_a_key_that_litellm_admits_fails(make: Make, name: str) -> None:
    context = make(inside=changed(keys={**INSIDE.keys, name: 200}), edge={"health": Answer(0, error="no answer")})
    id_ = {"none": "access.no-key", "wrong": "access.wrong-key", "malformed": "access.malformed-key"}[name]
    assert status(context, id_) == "fail"


@pytest.mark.parametrize(("allow_host", "expected"), [(True, "fail"), (False, "not-applicable")])
def test_a_gateway_that_does_not_answer_is_a_failure_only_where_it_should(
    make: Make, allow_host: bool, expected: str
) -> None:
    context = make(settings={"allowHost": allow_host}, edge={"health": Answer(0, error="no answer")})
    assert status(context, "access.model-api-only") == expected


def test_the_internet_on_the_allow_list_is_shown(make: Make) -> None:
    context = make(settings={"allowedCidrs": ["0.0.0.0/0"], "allowPublicAccess": True})
    assert status(context, "network.public") == "warn"


@pytest.mark.parametrize(("names", "expected"), [("a.b", "fail"), ("api.anthropic.com", "pass")])
def test_names_beyond_the_declared_ones_are_found(make: Make, names: str, expected: str) -> None:
    def change(found: dict[str, Any]) -> None:
        found["egress"]["Config"]["Env"] = [f"EGRESS_ALLOW={names}"]

    assert status(make(change), "network.egress-list") == expected


def test_the_development_key_is_no_secret_to_hide() -> None:
    key = "sk-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    assert without_public({DEVELOPMENT_KEY, "sk-1234", "development-only", key}) == {key}


def test_a_process_that_is_becoming_another_one_is_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    runc = Process(7, "runc:[2:INIT]", 0, 0x3FFFFFFFFF)
    lasting = Process(9, "runc:[2:INIT]", 0, 0x3FFFFFFFFF)
    became = Process(7, "sh", 13, 0)
    seen = iter([[runc, lasting], [became, lasting]])
    monkeypatch.setattr(inside, "POLL_SECONDS", 0)
    monkeypatch.setattr(inside, "_processes", lambda *_: next(seen))
    assert inside.processes(Engine(), "x") == [became, lasting]


@pytest.mark.parametrize(
    ("model", "today", "expected"),
    [
        ("claude-sonnet-5-5", "2026-11-26", "pass"),
        ("claude-sonnet-4-5", "2026-08-01", "pass"),
        ("claude-sonnet-4-5", "2026-11-26", "warn"),
        ("claude-sonnet-4-5", "2026-11-30", "fail"),
    ],
)
def test_a_model_that_ends_is_judged(make: Make, model: str, today: str, expected: str) -> None:
    context = make(settings={"models": {"sonnet": model}})
    context.now = datetime.fromisoformat(today).replace(tzinfo=UTC)
    assert status(context, "supply.models") == expected
    assert REGISTRY["supply.models"].severity.value == "medium"  # it stops no update


@pytest.mark.parametrize(("free", "expected"), [(0, "fail"), (1 << 20, "warn")])
def test_a_full_login_volume_is_told_before_a_renewed_login_is_lost(make: Make, free: int, expected: str) -> None:
    found = make(inside=changed(login=None, volume={"uid": 10001, "gid": 10001, "mode": 0o700, "free": free}))
    assert status(found, "login.present") == expected
