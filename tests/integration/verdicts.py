"""What the posture check says of a test stack."""

import os

from posture.model import REGISTRY, Status
from posture.run import Report, verify
from testbed.deployment import Deployment

SECONDS = 60  # a whole check takes 5 to 10 on a quiet machine; a time-out of each would be minutes
EXCEPTIONS = {"cis.5.15", "cis.5.29"}  # of every stack; the others hang on its settings


def report_of(stack: Deployment, *only: str) -> Report:
    return verify(stack.name, stack.project, {**os.environ, **stack.environment}, only=only)


def with_status(report: Report, status: Status) -> dict[str, str]:
    """The evidence of the checks that came out so."""
    return {finding.check.id: finding.evidence for finding in report.findings if finding.status is status}


def assert_clean(stack: Deployment, warnings: set[str], exceptions: set[str]) -> None:
    """Every check there is was made, none failed, and of the CIS items each passed or is a known exception."""
    report = report_of(stack)
    assert with_status(report, Status.FAIL) == {}
    assert report.secure
    assert {finding.check.id for finding in report.findings} == set(REGISTRY)
    assert set(with_status(report, Status.WARN)) == warnings
    assert set(with_status(report, Status.EXCEPTION)) == EXCEPTIONS | exceptions
    judged = [finding.status for finding in report.findings if finding.check.id.startswith("cis.")]
    judged = [status for status in judged if status is not Status.NOT_APPLICABLE]
    assert set(judged) <= {Status.PASS, Status.EXCEPTION}
    assert len(judged) >= 31
    assert report.seconds < SECONDS
