"""Each way to weaken a running stack is caught by the check that is meant for it."""

import os

import pytest

from posture import declaration, render
from posture.context import Context
from posture.model import REGISTRY, Finding, Status
from posture.run import examine
from testbed.deployment import Deployment
from tests.integration.tamper_cases import TAMPERINGS
from tests.integration.verdicts import report_of, with_status


@pytest.fixture(scope="module")
def declared(plain: Deployment) -> declaration.Declaration:
    return declaration.read(plain.name, plain.project, {**os.environ, **plain.environment})


def found_now(stack: Deployment, declared: declaration.Declaration, *ids: str) -> dict[str, Finding]:
    context = Context(declared, stack.project, {**os.environ, **stack.environment})
    report = examine(context, list(REGISTRY.values()), only=ids)
    return {finding.check.id: finding for finding in report.findings}


@pytest.mark.parametrize("way", TAMPERINGS)
def test_tampering_is_caught(way: str, plain: Deployment, declared: declaration.Declaration) -> None:
    tamper, ids = TAMPERINGS[way]
    with tamper(plain):
        found = found_now(plain, declared, *ids)
    assert {id_: finding.status for id_, finding in found.items()} == dict.fromkeys(ids, Status.FAIL)
    assert not any("could not be checked" in finding.evidence for finding in found.values()), found


def test_after_all_that_the_stack_is_as_it_was(plain: Deployment) -> None:
    report = report_of(plain)
    assert with_status(report, Status.FAIL) == {}
    assert "secure" in render.summary(report)
