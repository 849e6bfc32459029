"""A project made by `pulumi new` from this working copy, brought up by plain `pulumi`: no make, no terminal."""

import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import trustme
import yaml

from testbed.fakes.git import git_server
from testbed.terminal import on_a_terminal
from tests.integration.new_project import CANNOT_INSTALL, PORT, Project, clone, newcomer

ANSWERS = {
    "allowHost": "",
    "anthropicApiKey": "sk-ant-api03-typed-unseen",
    "claudeOauthToken": "",
    "environment": "production",
    "hostname": "gw.example.org",
    "port": "",
}
"""In the order in which Pulumi asks: by name."""


def test_the_answers_are_the_settings_of_a_stack(project: Project) -> None:
    written = yaml.safe_load((project.folder / f"Pulumi.{project.stack}.yaml").read_text())
    assert written["config"] == {
        "litellm-claude:environment": "development",
        "litellm-claude:hostname": "localhost",
        "litellm-claude:port": str(PORT),
        "litellm-claude:allowHost": "true",
    }
    made = yaml.safe_load((project.folder / "Pulumi.yaml").read_text())
    assert made["name"] == "litellm-claude"
    assert "template" not in made


def test_plain_pulumi_brings_it_up(project: Project) -> None:
    printed = project.run("pulumi", "up", "--yes", "--skip-preview", "--stack", project.stack)
    assert "\x1b[" not in printed
    request = urllib.request.Request(f"{project.output('url')}/v1/models")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 401
    request.add_header("authorization", f"Bearer {project.output('master_key')}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


@pytest.mark.goes_on_from("test_plain_pulumi_brings_it_up")
def test_a_second_look_shows_no_change(project: Project) -> None:
    project.run("pulumi", "preview", "--expect-no-changes", "--stack", project.stack)


@pytest.mark.goes_on_from("test_plain_pulumi_brings_it_up")
def test_what_looks_after_a_stack_works_there_too(project: Project) -> None:
    printed = project.run(".venv/bin/python", "-m", "posture", "--stack", project.stack, "--only", "key")
    assert f"{project.stack}: secure" in printed


def test_from_a_url_on_a_terminal_each_question_is_asked_and_a_secret_is_typed_unseen(tmp_path: Path) -> None:
    work, forge = clone(tmp_path / "work"), tmp_path / "forge"
    git = ("git", "-C", str(work), "-c", "user.name=us", "-c", "user.email=us@example.org")
    for command in (
        ("init", "-q"),
        ("add", "--all"),
        ("commit", "-qm", "all"),
        ("clone", "-q", "--bare", ".", f"{forge}/us/it.git"),
    ):
        subprocess.run([*git, *command], check=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    environment = {**newcomer(tmp_path), "SSL_CERT_FILE": str(tmp_path / "ca.pem"), "TERM": "xterm"}
    project = tmp_path / "gateway"
    project.mkdir()
    with git_server(forge, authority) as url:
        first = (("Project name", ""), ("Project description", ""), ("Stack name", "mine"))
        questions = ((f"({name})", answer) for name, answer in ANSWERS.items())
        done = on_a_terminal(["pulumi", "new", f"{url}/us/it.git"], project, environment, *first, *questions)
    assert done.returncode == 0 or CANNOT_INSTALL in done.stdout, done.stdout
    assert ANSWERS["anthropicApiKey"] not in done.stdout
    written = yaml.safe_load((project / "Pulumi.mine.yaml").read_text())["config"]
    assert set(written.pop("litellm-claude:anthropicApiKey")) == {"secure"}
    assert written == {
        "litellm-claude:allowHost": "true",
        "litellm-claude:environment": "production",
        "litellm-claude:hostname": "gw.example.org",
        "litellm-claude:port": "4000",
    }
