"""A project made by `pulumi new` from this working copy, brought up by plain `pulumi`: no make, no terminal."""

import urllib.error
import urllib.request

import pytest
import yaml

from tests.integration.new_project import PORT, Project


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


def test_a_second_look_shows_no_change(project: Project) -> None:
    project.run("pulumi", "preview", "--expect-no-changes", "--stack", project.stack)


def test_what_looks_after_a_stack_works_there_too(project: Project) -> None:
    printed = project.run(".venv/bin/python", "-m", "posture", "--stack", project.stack, "--only", "key")
    assert f"{project.stack}: secure" in printed
