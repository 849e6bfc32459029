"""Where a check turns, and which exit status a report has."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from posture import __main__ as command
from posture import render
from posture.checks import https
from posture.checks.login import ROOM
from posture.declaration import DeclarationError
from posture.documentation import page
from posture.edge import Answer, Edge
from posture.engine import EngineError
from posture.model import REGISTRY, Severity, Status
from posture.redaction import MASK, Redactor, forms
from posture.run import Report
from tests.unit.components.test_certificates import pair
from tests.unit.posture.conftest import Make
from tests.unit.posture.test_checks import changed, status
from tests.unit.posture.test_reports import finding, report

WEEK, SECOND = timedelta(days=7), timedelta(seconds=1)
SERVED = Answer(200, {"strict-transport-security": "max-age=63072000"})
PORTS = {"8080/tcp": [{"HostPort": "80"}], "8443/tcp": [{"HostPort": "443"}]}


@pytest.mark.parametrize(
    ("found", "exit_status"),
    [
        ([finding(Status.PASS)], 0),
        ([finding(Status.WARN), finding(Status.EXCEPTION)], 0),
        ([finding(Status.FAIL, Severity.MEDIUM)], 0),
        ([finding(Status.FAIL, Severity.LOW)], 0),
        ([finding(Status.PASS), finding(Status.FAIL, Severity.HIGH)], 1),
        (DeclarationError("no such stack"), 2),
        (EngineError("no engine"), 2),
    ],
)
def test_the_exit_status_is_the_one_that_the_help_promises(
    monkeypatch: pytest.MonkeyPatch, found: Any, exit_status: int
) -> None:
    """docs/posture.md; `python -m posture --help`: 0, 1 when something of severity high fails, else 2."""

    def verify(*_: object, **__: object) -> Report:
        if isinstance(found, Exception):
            raise found
        return report(*found)

    monkeypatch.setattr(command, "verify", verify)
    assert command.main(["--stack", "test"]) == exit_status
    assert f"{exit_status} when" in command.EPILOG


@pytest.mark.parametrize(
    ("statuses", "score"),
    [
        ([Status.PASS] * 3 + [Status.WARN], 87),
        ([Status.PASS, Status.FAIL, Status.FAIL], 33),
        ([Status.EXCEPTION, Status.WARN, Status.FAIL], 50),
        ([Status.WARN, Status.WARN], 50),
        ([Status.FAIL], 0),
        ([Status.SKIPPED, Status.NOT_APPLICABLE], 0),
    ],
)
def test_a_warning_is_half_a_pass_and_a_score_is_never_rounded_up(statuses: list[Status], score: int) -> None:
    assert report(*(finding(one, Severity.LOW) for one in statuses)).score == score


@pytest.mark.parametrize(("left", "expected"), [(WEEK + SECOND, "pass"), (WEEK, "fail"), (-SECOND, "fail")])
def test_a_login_that_does_not_renew_itself_lasts_more_than_a_week(make: Make, left: timedelta, expected: str) -> None:
    login = {"allowed": True, "refreshable": False, "expires": datetime(2026, 11, 24, tzinfo=UTC).timestamp()}
    context = make(inside=changed(login=login))
    context.now = datetime(2026, 11, 24, tzinfo=UTC) - left
    assert status(context, "login.present") == expected


@pytest.mark.parametrize(("free", "expected"), [(ROOM - 1, "fail"), (ROOM, "warn")])
def test_a_login_needs_room_for_the_file_that_replaces_it(make: Make, free: int, expected: str) -> None:
    """mkfs.ext4(8): a block has 4 KiB; there are eight for a login file, which fits into one, and for the next each."""
    assert ROOM == 2 * 8 * 4096
    context = make(inside=changed(login=None, volume={"uid": 10001, "gid": 10001, "mode": 0o700, "free": free}))
    assert status(context, "login.present") == expected


@pytest.mark.parametrize(
    ("settings", "left", "expected"),
    [
        ({"tls": "managed", "tlsRenewalHours": 720}, timedelta(hours=720), "fail"),
        ({"tls": "managed", "tlsRenewalHours": 720}, timedelta(hours=720) + SECOND, "pass"),
        ({"tls": "managed", "tlsRenewalHours": 24}, timedelta(days=2), "pass"),
        ({"tls": "provided"}, timedelta(days=14), "fail"),
        ({"tls": "provided"}, timedelta(days=14) + SECOND, "pass"),
        ({"tls": "provided"}, -SECOND, "fail"),
    ],
)
def test_a_certificate_is_renewed_in_time(
    make: Make, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], left: timedelta, expected: str
) -> None:
    """Managed: when `make up` renews it. Provided: two weeks, in which a person can."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)
    chain, key = pair("localhost", not_after=end)
    if settings["tls"] == "provided":
        settings = {**settings, "tlsCertificate": chain, "tlsPrivateKey": key}
    context = make(settings=settings)
    monkeypatch.setattr(https, "_chain", lambda _: (x509.load_pem_x509_certificates(chain.encode()), chain, key))
    context.now = end - left
    outcome = REGISTRY["https.days-left"].run(context)
    assert outcome.status.value == expected
    assert outcome.evidence.startswith("expired on " if left <= timedelta(0) else "valid until ")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (SERVED, "pass"),
        (Answer(200, {"strict-transport-security": "max-age=3600"}), "fail"),
        (Answer(200, {}), "fail"),
        (Answer(0, error="no answer"), "fail"),
    ],
)
def test_browsers_stay_on_https_for_two_years(make: Make, answer: Answer, expected: str) -> None:
    """Mozilla server-side TLS 5.7: max-age=63072000 is 2 years of 365 days."""
    assert 2 * 365 * 24 * 60 * 60 == 63072000
    assert status(make(settings={"allowHost": True}, edge={"health": answer}), "https.hsts") == expected
    if not answer.status:
        assert status(make(edge={"health": answer}), "https.hsts") == "not-applicable"


@pytest.mark.parametrize(
    ("plain", "redirect", "bound", "expected"),
    [
        (Answer(0, error="closed"), None, False, "pass"),
        (Answer(400), None, False, "pass"),
        (Answer(200), None, False, "fail"),
        (Answer(301), None, False, "fail"),
        (Answer(400), None, True, "fail"),
        (Answer(400), Answer(308, {"location": "https://localhost/v1/models"}), True, "pass"),
        (Answer(400), Answer(302, {"location": "https://localhost/v1/models"}), True, "fail"),
        (Answer(400), Answer(308, {"location": "http://localhost/v1/models"}), True, "fail"),
        (Answer(400), Answer(308), True, "fail"),
        (Answer(400), Answer(0, error="no answer"), True, "pass"),
    ],
)
def test_nothing_answers_plain_http_but_a_redirect(
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    plain: Answer,
    redirect: Answer | None,
    bound: bool,
    expected: str,
) -> None:
    """RFC 9110, 15.5.1 and 15.4.9: 400 refuses what is no TLS; 308 keeps the method, which 301 and 302 need not."""

    def get(_: Edge, path: str, *, encrypted: bool, port: int = 0) -> Answer:
        assert encrypted is False
        return (redirect or plain) if port else plain

    def publish(found: dict[str, Any]) -> None:
        found["front"]["NetworkSettings"]["Ports"] = PORTS if bound else {**PORTS, "8080/tcp": None}

    monkeypatch.setattr(Edge, "get", get)
    settings = {"redirectPort": 80} if redirect else {}
    assert status(make(publish, settings=settings), "https.no-plaintext") == expected


def test_a_secret_of_eight_characters_is_masked_and_a_shorter_one_is_a_word() -> None:
    assert Redactor({"abcdefgh"})("x abcdefgh x") == f"x {MASK} x"
    assert Redactor({"abcdefg"})("x abcdefg x") == "x abcdefg x"
    assert {b"12345678", b"sk-12345678"} <= forms("sk-12345678")
    assert b"1234567" not in forms("sk-1234567")


def test_the_longest_form_is_masked_first() -> None:
    assert Redactor({"sk-abcdefgh"})("sk-abcdefgh abcdefgh") == f"{MASK} {MASK}"


def test_a_report_is_for_a_person_or_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made, asked = report(finding(Status.PASS)), list[Any]()

    def verify(*_: object, **chosen: Any) -> Report:
        asked.append(chosen)
        return made

    monkeypatch.setattr(command, "verify", verify)
    assert command.main(["--stack", "test", "--json", "--junit", str(tmp_path / "junit.xml")]) == 0
    assert capsys.readouterr().out == f"{render.as_json(made)}\n"
    assert (tmp_path / "junit.xml").read_text() == render.junit(made)
    assert command.main(["--stack", "test", "--brief", "--only", "key", "--skip", "key.form=a=b"]) == 0
    assert capsys.readouterr().out == f"{render.summary(made)}\n"
    assert asked[1] == {"only": ["key"], "skip": {"key.form": "a=b"}}
    assert command.main(["--document"]) == 0
    assert capsys.readouterr().out == page()
    assert len(asked) == 2


def test_a_file_that_cannot_be_written_is_said_behind_the_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = report(finding(Status.PASS))
    monkeypatch.setattr(command, "verify", lambda *_, **__: made)
    assert command.main(["--stack", "test", "--json", "--junit", str(tmp_path / "none" / "junit.xml")]) == 2
    printed = capsys.readouterr()
    assert printed.out == f"{render.as_json(made)}\n"
    assert printed.err.endswith("junit.xml: No such file or directory. Name another file: --junit FILE\n")
