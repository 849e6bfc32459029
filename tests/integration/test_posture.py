"""A production stack as it comes passes every check, and what the check prints and exits with can be relied on."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from posture import declaration
from posture.model import Status
from posture.redaction import forms
from testbed.deployment import ROOT, Deployment
from tests.integration.verdicts import assert_clean, report_of


def test_a_production_stack_as_it_comes_is_secure(plain: Deployment) -> None:
    assert_clean(plain, warnings={"login.present"}, exceptions={"cis.5.14"})


def test_no_output_holds_a_secret(plain: Deployment, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "posture", "--stack", plain.name, "--junit", str(tmp_path / "report.xml")]
    env = {**os.environ, **plain.environment, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    printed = ""
    for option in ("--json", "--only=key"):
        done_ = subprocess.run(
            [*command, option], cwd=plain.project, env=env, capture_output=True, text=True, check=False
        )
        printed += done_.stdout + done_.stderr
        assert done_.returncode == 0, printed
    printed += (tmp_path / "report.xml").read_text()
    known = declaration.read(plain.name, plain.project, {**os.environ, **plain.environment}).secrets
    assert len(known) >= 4
    for secret in known:
        assert not any(form.decode() in printed for form in forms(secret))
    ET.parse(tmp_path / "report.xml")


def test_a_switched_off_check_is_a_finding(plain: Deployment) -> None:
    plain.set(verifyOnUpdate=False)
    try:
        (finding,) = report_of(plain, "settings.verify-on-update").findings
        assert finding.status is Status.WARN
    finally:
        plain.set(verifyOnUpdate=None)
