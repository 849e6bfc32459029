"""A report for a person, for a program, and for CI."""

import json
from functools import partial
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from posture.model import Severity, Status
from posture.run import Report

SCHEMA = 2
"""Version of the JSON: a field may be added to it, none changes its meaning."""
GROUPS = {
    "key": "Master key",
    "clients": "Clients",
    "access": "Access",
    "https": "HTTPS",
    "network": "Network",
    "login": "Claude login",
    "cis": "Containers (CIS Docker Benchmark)",
    "drift": "Drift",
    "swarm": "Docker Swarm",
    "supply": "Supply chain",
    "secrets": "Secrets at rest",
    "settings": "Settings",
}
LOOKS = {
    Status.FAIL: ("bold red", "FAIL"),
    Status.WARN: ("yellow", "warn"),
    Status.SKIPPED: ("magenta", "skip"),
    Status.EXCEPTION: ("cyan", "exc."),
    Status.NOT_APPLICABLE: ("dim", "n/a"),
    Status.PASS: ("green", "pass"),
}
ORDER = list(LOOKS)
SEVERITIES = list(Severity)


def table(report: Report, console: Console, *, brief: bool = False) -> None:
    """Prints failures first, then each group (unless ``brief``), then the score."""
    say = partial(console.print, highlight=False)  # a colour says how bad it is, and not that something is a number
    failures = [finding for finding in report.findings if finding.status is Status.FAIL]
    for finding in sorted(failures, key=lambda f: SEVERITIES.index(f.check.severity)):
        check = finding.check
        severity = f"[dim]({check.severity.value})[/]"
        say(f"[bold red]FAIL[/] [bold]{check.id}[/] {escape(check.title)} {severity}")
        say(f"     {escape(finding.evidence)}")
        say(f"     fix: {escape(check.remediation)}", style="dim")
    if not brief:
        console.print(_groups(report), end="\n\n")
    if report.scope:
        say(f"[dim]{escape(report.scope)}[/]")
    say(summary(report))


def _groups(report: Report) -> Table:
    lines = Table(box=None, padding=(0, 1), show_header=False)
    lines.add_column()
    lines.add_column(no_wrap=True)
    lines.add_column()
    lines.add_column()
    for group, title in GROUPS.items():
        found = [finding for finding in report.findings if finding.check.group == group]
        if not found:
            continue
        lines.add_row("", "", f"[bold]{title}[/]", "")
        for finding in sorted(found, key=lambda f: ORDER.index(f.status)):
            style, word = LOOKS[finding.status]
            lines.add_row(
                f"[{style}]{word}[/]",
                finding.check.id,
                escape(finding.check.title),
                f"[dim]{escape(finding.evidence)}[/]",
            )
    return lines


def summary(report: Report) -> str:
    """One line: score, counts, time."""
    counts = ", ".join(f"{report.count(status)} {status.value}" for status in reversed(ORDER) if report.count(status))
    word = "secure" if report.secure else "NOT SECURE"
    return f"{report.stack}: {word}, score {report.score} of 100 ({counts}) in {report.seconds:.1f} s"


def as_json(report: Report) -> str:
    """The report as JSON, in a stable order."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "stack": report.stack,
            "secure": report.secure,
            "score": report.score,
            "seconds": round(report.seconds, 2),
            "scope": report.scope,
            "findings": [
                {
                    "id": finding.check.id,
                    "title": finding.check.title,
                    "severity": finding.check.severity.value,
                    "source": finding.check.source,
                    "status": finding.status.value,
                    "evidence": finding.evidence,
                    "risk": finding.check.risk,
                    "remediation": finding.check.remediation,
                }
                for finding in report.findings
            ],
        },
        indent=2,
    )


def junit(report: Report) -> str:
    """The report as JUnit XML: a failure per failed check of any severity, skipped for what was not judged."""
    suite = ET.Element(
        "testsuite",
        name=f"posture of {report.stack}",
        tests=str(len(report.findings)),
        failures=str(report.count(Status.FAIL)),
        skipped=str(report.count(Status.SKIPPED) + report.count(Status.NOT_APPLICABLE)),
        time=f"{report.seconds:.2f}",
    )
    if report.scope:
        ET.SubElement(ET.SubElement(suite, "properties"), "property", name="scope", value=report.scope)
    for finding in report.findings:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=f"posture.{finding.check.group}",
            name=f"{finding.check.id}: {finding.check.title}",
        )
        if finding.status is Status.FAIL:
            failure = ET.SubElement(case, "failure", message=finding.evidence, type=finding.check.severity.value)
            failure.text = f"Fix: {finding.check.remediation}"
        elif finding.status in (Status.SKIPPED, Status.NOT_APPLICABLE):
            ET.SubElement(case, "skipped", message=finding.evidence)
        else:
            ET.SubElement(case, "system-out").text = f"{finding.status.value}: {finding.evidence}"
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)
