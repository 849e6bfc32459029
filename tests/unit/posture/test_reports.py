"""The report: what makes it fail, what it looks like, and that nothing secret is in it."""

import dataclasses
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from posture import render
from posture.__main__ import main
from posture.documentation import linked, page
from posture.engine import EngineError
from posture.model import REGISTRY, Check, Finding, Outcome, Severity, Status, check, failed, passed
from posture.risks import RISKS
from posture.run import Report, examine
from tests.unit.posture.conftest import KEY, Make

ROOT = Path(__file__).parents[3]


def finding(status: Status, severity: Severity = Severity.HIGH, evidence: str = "because") -> Finding:
    made = Check(
        "key.x", "A title [with] brackets", severity, "a source", "make it STACK=test", lambda _: passed(""), False
    )
    return Finding(made, status, evidence)


def report(*findings: Finding) -> Report:
    return Report("test", findings, 1.5)


@pytest.mark.parametrize(
    ("findings", "secure", "score"),
    [
        ([finding(Status.PASS)], True, 100),
        ([finding(Status.PASS), finding(Status.FAIL)], False, 50),
        ([finding(Status.PASS), finding(Status.FAIL, Severity.MEDIUM)], True, 50),
        ([finding(Status.WARN)], True, 50),
        ([finding(Status.EXCEPTION), finding(Status.NOT_APPLICABLE), finding(Status.SKIPPED)], True, 100),
        ([], True, 0),
    ],
)
def test_only_a_failure_of_severity_high_is_fatal(findings: list[Finding], secure: bool, score: int) -> None:
    made = report(*findings)
    assert (made.secure, made.score) == (secure, score)


def test_json_has_a_stable_schema() -> None:
    shown = json.loads(render.as_json(report(finding(Status.FAIL))))
    assert list(shown) == ["schema", "stack", "secure", "score", "seconds", "scope", "findings"]
    assert shown["schema"] == 2
    assert shown["findings"] == [
        {
            "id": "key.x",
            "title": "A title [with] brackets",
            "severity": "high",
            "source": "a source",
            "status": "fail",
            "evidence": "because",
            "risk": "",
            "remediation": "make it STACK=test",
        }
    ]


def test_junit_counts_failures_and_what_was_not_judged() -> None:
    text = render.junit(report(*map(finding, Status)))
    assert text.startswith("<?xml version='1.0'")  # XML 1.0, section 2.8: a document should say what it is
    suite = ET.fromstring(text)
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("6", "1", "2")
    assert next(suite.iter("testcase")).get("name") == "key.x: A title [with] brackets"
    assert suite.find(".//failure").text == "Fix: make it STACK=test"  # type: ignore[union-attr]


def test_what_was_not_looked_into_is_said_in_every_form() -> None:
    made = dataclasses.replace(report(finding(Status.PASS)), scope="looked into 2 of 5 tasks")
    out = io.StringIO()
    render.table(made, Console(file=out, width=200), brief=True)
    assert out.getvalue().splitlines()[0] == "looked into 2 of 5 tasks"
    assert json.loads(render.as_json(made))["scope"] == "looked into 2 of 5 tasks"
    assert 'name="scope" value="looked into 2 of 5 tasks"' in render.junit(made)


def test_the_table_begins_with_failures_and_ends_with_the_score() -> None:
    out = io.StringIO()
    render.table(report(finding(Status.PASS), finding(Status.FAIL)), Console(file=out, width=200))
    lines = [line for line in out.getvalue().splitlines() if line.strip()]
    assert lines[0].startswith("FAIL key.x A title [with] brackets")
    assert "make it STACK=test" in lines[2]
    assert lines[-1] == "test: NOT SECURE, score 50 of 100 (1 pass, 1 fail) in 1.5 s"


def test_a_check_that_breaks_has_failed(make: Make) -> None:
    def broken(_: object) -> Outcome:
        raise ValueError(f"the key is {KEY}")

    def unreachable(_: object) -> Outcome:
        raise EngineError("the engine is gone")

    checks = [Check("x.a", "t", Severity.HIGH, "s", "m", run, True) for run in (broken, unreachable)]
    found = examine(make(), checks, only=["x"]).findings
    assert [f.status for f in found] == [Status.FAIL, Status.FAIL]
    assert found[0].evidence == "could not be checked: ValueError: the key is [secret]"
    assert found[1].evidence == "could not be checked: the engine is gone"


def test_evidence_is_redacted_whatever_a_check_says(make: Make) -> None:
    talkative = Check(
        "x.a", "t", Severity.HIGH, "s", "m", lambda _: failed(f"{KEY} {KEY[3:]} {KEY.encode().hex()}"), True
    )
    (found,) = examine(make(), [talkative], only=["x"]).findings
    assert found.evidence == "[secret] [secret] [secret]"


def test_evidence_commands_no_terminal_and_stays_xml(make: Make) -> None:
    """XML 1.0, 2.2: no control characters. A process chooses its name, and an error may quote it."""
    said = "egress: \x1b[2J\x00a runs as root\nx: secure \u202e\ud800 ü"
    checks = [Check("x.a", "t", Severity.HIGH, "s", "m", lambda _: failed(said), True)]
    (found,) = examine(make(), checks, only=["x"]).findings
    assert found.evidence == "egress: \\u001b[2J\\u0000a runs as root x: secure \\u202e\\ud800 ü"
    ET.fromstring(render.junit(report(found)).encode())


def test_a_skipped_check_shows_its_reason(make: Make) -> None:
    (found,) = examine(
        make(), list(REGISTRY.values()), only=["key.form"], skip={"key.form": "a legacy client"}
    ).findings
    assert (found.status, found.evidence) == (Status.SKIPPED, "a legacy client")


def test_two_checks_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two checks are called key"):
        check("key.form", "t", source="s")(lambda _: passed(""))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--stack is missing"),
        (["--stack", "dev", "--only", "nothing"], "there is no check 'nothing'"),
        (["--stack", "dev", "--skip", "key.form"], "needs one check and a reason"),
        (["--stack", "dev", "--skip", "key=because"], "needs one check and a reason"),
    ],
)
def test_wrong_arguments_are_explained(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2
    assert said in capsys.readouterr().err


def test_the_documentation_lists_every_check() -> None:
    written = (ROOT / "docs" / "posture.md").read_text()
    assert written == page(), "write it anew with: python -m posture --document > docs/posture.md"
    assert len(re.findall(r"^\| `(.+?)`", written, re.MULTILINE)) == len(REGISTRY)


def test_every_check_says_where_its_rule_comes_from_and_how_to_fix_it(make: Make) -> None:
    context = make(settings={"dockerHost": "ssh://far"})
    for made in REGISTRY.values():
        assert made.source
        fix = made.told(context.words).remediation
        assert fix
        # without it, pulumi would change whichever stack is selected, and docker this machine's engine
        assert fix.count("pulumi ") == fix.count(f"--stack {context.declaration.stack}"), made.id
        typed = re.sub(r"systemctl restart docker", "", fix)
        assert typed.count("docker ") == typed.count("env DOCKER_HOST=ssh://far docker "), made.id
        assert made.group in render.GROUPS


def test_section_5_of_the_benchmark_is_whole() -> None:
    assert {id_ for id_ in REGISTRY if id_.startswith("cis.5.")} == {f"cis.5.{number}" for number in range(1, 33)}


def test_a_check_is_found_in_the_module_that_its_id_begins_with() -> None:
    homes = {check.id: check.run.__module__.rpartition(".")[2].partition("_")[0] for check in REGISTRY.values()}
    assert {name: home for name, home in homes.items() if home != name.partition(".")[0]} == {}


def test_every_check_says_why_it_matters_and_where_its_rule_is() -> None:
    assert RISKS.keys() == REGISTRY.keys()
    assert [risk for risk in RISKS.values() if not risk.endswith(".")] == []
    assert {check.id: check.source for check in REGISTRY.values() if "](" not in linked(check.source)} == {}


def test_a_rule_of_the_documentation_has_its_heading_there() -> None:
    headed = {place for check in REGISTRY.values() for place in re.findall(r"\((\S+\.md#\S+)\)", linked(check.source))}
    assert len(headed) > 2
    for place in headed:
        name, _, anchor = place.partition("#")
        headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / name).read_text(), re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, place
