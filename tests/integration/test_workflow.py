"""The example of a workflow (docs/examples/github.yml): each command of it, without a terminal and without prompts."""

import os
import re
import stat
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from testbed.deployment import ROOT, docker
from tests.integration.new_project import Project

WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "examples" / "github.yml").read_text())
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nof the tests\n-----END OPENSSH PRIVATE KEY-----"
GH = """#!/bin/sh
printf '%s ' "$@" >commented
cat "$5" >>commented
"""
ENVIRONMENT = 'eval "$(make -s env)"'
POSTURE = '.venv/bin/python -m posture --stack "$STACK" --brief'
PREVIEW = 'pulumi preview --stack "$STACK" --expect-no-changes --non-interactive --color never'


def steps(job: str) -> dict[str, str]:
    """The commands of a job, by the step's name."""
    return {step["name"]: step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "run" in step}


@pytest.fixture(scope="module")
def runner(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project as a runner has it: a home of its own, what the workflow's `env` says, and GitHub's command."""
    home = Path(tmp_path_factory.mktemp("runner"))
    if (pulumi := Path.home() / ".pulumi").exists():
        (home / ".pulumi").symlink_to(pulumi)  # the plugins that set-up has downloaded
    (home / "bin").mkdir()
    (home / "bin" / "gh").write_text(GH)
    (home / "bin" / "gh").chmod(0o755)
    if not (project.folder / ".toolchain").exists():
        (project.folder / ".toolchain").symlink_to(ROOT / ".toolchain")
    environment = {name: value for name, value in project.environment.items() if name != "PULUMI_HOME"}
    environment |= {
        "HOME": str(home),
        "PATH": f"{home / 'bin'}{os.pathsep}{environment['PATH']}",
        "STACK": project.stack,
        "SSH_KEY": KEY,
        "SSH_KNOWN_HOSTS": "gateway.example.org ssh-ed25519 AAAA",
        "NUMBER": "7",
    }
    return project._replace(environment=environment)


def run(runner: Project, command: str, status: int = 0) -> str:
    """Runs a step as GitHub does, and holds it to what a log can show."""
    printed = runner.run("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command, status=status)
    assert "\x1b[" not in printed
    return printed


def test_every_job_says_which_stack() -> None:
    for job in WORKFLOW["jobs"].values():
        assert set(job["env"]) >= {"STACK", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"}


def test_the_key_to_the_engine_is_for_its_owner_alone(runner: Project) -> None:
    run(runner, steps("preview")["The way to the engine"])
    ssh = Path(runner.environment["HOME"]) / ".ssh"
    assert stat.S_IMODE(ssh.stat().st_mode) == 0o700
    assert stat.S_IMODE((ssh / "id_ed25519").stat().st_mode) == 0o600
    assert (ssh / "id_ed25519").read_text() == f"{KEY}\n"
    assert (ssh / "known_hosts").read_text().startswith("gateway.example.org ")


def test_a_push_brings_the_stack_up(runner: Project) -> None:
    assert "url   http://localhost" in run(runner, steps("up")["Up"])


@pytest.mark.goes_on_from("test_a_push_brings_the_stack_up")
def test_a_night_without_drift_is_green_and_leaves_a_report(runner: Project) -> None:
    run(runner, steps("nightly")["Is it as declared?"])
    assert f"{runner.stack}: secure" in run(runner, steps("nightly")["Is it secure?"])
    suite = ET.parse(runner.folder / "posture.xml").getroot()
    assert int(suite.get("tests", "0")) > 60
    assert suite.get("failures") == "0"


@pytest.mark.goes_on_from("test_a_push_brings_the_stack_up")
def test_a_pull_request_gets_the_diff_as_a_comment(runner: Project) -> None:
    runner.run("pulumi", "config", "set", "drainSeconds", "7", "--stack", runner.stack)
    try:
        run(runner, steps("preview")["What the update would do"])
        run(runner, steps("preview")["As a comment"])
    finally:
        runner.run("pulumi", "config", "rm", "drainSeconds", "--stack", runner.stack)
    commented = (runner.folder / "commented").read_text()
    assert commented.startswith("pr comment 7 --body-file comment.md --edit-last --create-if-none")
    assert "```diff" in commented
    assert "docker:index/container:Container" in commented
    assert "sk-development-only" not in commented


@pytest.mark.goes_on_from("test_a_push_brings_the_stack_up")
def test_drift_is_red_until_the_next_push(runner: Project) -> None:
    docker("rm", "--force", runner.output("egress_container"))
    assert "no changes were expected" in run(runner, steps("nightly")["Is it as declared?"], 7)
    run(runner, steps("nightly")["Is it secure?"], 2)
    run(runner, f"{ENVIRONMENT}; {POSTURE}", 1)
    run(runner, f"{ENVIRONMENT}; DOCKER_HOST=tcp://127.0.0.1:1 {POSTURE}", 2)
    run(runner, steps("up")["Up"])
    run(runner, steps("nightly")["Is it as declared?"])


@pytest.mark.goes_on_from("test_a_push_brings_the_stack_up")
def test_an_update_that_cannot_be_made_is_red_and_says_what_mends_it(runner: Project) -> None:
    runner.run("pulumi", "config", "set", "tlsProfile", "ancient", "--stack", runner.stack)
    try:
        for command, status in (("make preview", 2), ("make up", 2), (f"{ENVIRONMENT}; {PREVIEW}", 1)):
            assert "Fix: pulumi config set tlsProfile" in run(runner, command, status), command
    finally:
        runner.run("pulumi", "config", "rm", "tlsProfile", "--stack", runner.stack)
    run(runner, f"{ENVIRONMENT}; {PREVIEW}")
    run(runner, f"{ENVIRONMENT}; STACK=nobodys; {PREVIEW}", 6)


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("make backup FILE=kept.backup", 0, "To restore: make restore"),
        ("make backup FILE=Pulumi.yaml", 2, "is there already"),
        ("make retire", 0, "no previous key"),
        ("make retire CLIENT=nobody", 2, "error: "),
        ("make rotate CLIENT=nobody", 2, "error: "),
        ("make down", 2, "CONFIRM=yes"),
    ],
)
def test_what_is_done_is_0_and_what_is_not_is_2_with_a_sentence(
    runner: Project, command: str, status: int, said: str
) -> None:
    assert said in run(runner, command, status)


def test_no_command_of_the_workflow_is_left_out_here() -> None:
    tried = re.findall(r'steps\("(\w+)"\)\["([^"]+)"\]', Path(__file__).read_text())
    assert {steps(job)[name] for job, name in tried} == {
        step for job in WORKFLOW["jobs"] for step in steps(job).values()
    }
