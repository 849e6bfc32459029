"""What is asked of docker, and what its answers are taken to mean."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import posture.engine
from ops.commands import OperationError
from ops.engine import Engine
from rules.docker import Client, EngineError

Calls = list[list[str]]
Fake = Callable[..., Calls]


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Puts answers in docker's place, one after the other, and returns the calls."""

    def answer(*answers: tuple[int, str]) -> Calls:
        calls: Calls = []
        left = list(answers)

        def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
            calls.append(command[3:])
            status, text = left.pop(0)
            return subprocess.CompletedProcess(command, status, text if status == 0 else "", text if status else "")

        monkeypatch.setattr(subprocess, "run", run)
        return calls

    return answer


def health(status: str) -> str:
    return json.dumps({"State": {"Health": {"Status": status}}})


@pytest.mark.parametrize("engine", [Engine, posture.engine.Engine])
@pytest.mark.parametrize(
    ("host", "variable", "used"),
    [
        ("ssh://ann@far", "tcp://other:2376", "ssh://ann@far"),
        (None, "tcp://other:2376", "tcp://other:2376"),
        (None, None, "unix:///var/run/docker.sock"),
    ],
)
def test_the_engine_is_the_one_that_the_provider_uses(
    monkeypatch: pytest.MonkeyPatch, engine: type[Client], host: str | None, variable: str | None, used: str
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    if variable:
        monkeypatch.setenv("DOCKER_HOST", variable)
    seen: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
        seen.append((command, env))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    engine(host, "/certificates").call("ps")
    ((command, env),) = seen
    assert command == ["docker", "--host", used, "ps"]
    assert (env["DOCKER_CERT_PATH"], env["DOCKER_TLS_VERIFY"]) == ("/certificates", "1")


def test_containers_are_found_by_stack_and_role(docker: Fake) -> None:
    entry = {
        "Id": "abc",
        "Name": "/litellm-1",
        "State": {"Status": "running", "Health": {"Status": "healthy"}},
        "Config": {"Labels": {"litellm-claude.role": "litellm"}},
        "NetworkSettings": {"Networks": {"backend": {"NetworkID": "n1"}, "gone": {"NetworkID": ""}}},
    }
    calls = docker((0, "abc\ndef\n"), (0, json.dumps([entry])), (1, "[]"))
    (found,) = Engine().containers("litellm-claude-prod", "litellm")  # the other one went away in the meantime
    assert (found.id, found.name, found.role) == ("abc", "litellm-1", "litellm")
    assert found.networks == {"backend", "gone", "n1"}, "by id and by name"
    assert found.running
    assert found.healthy
    assert "label=litellm-claude.stack=litellm-claude-prod" in calls[0]
    assert "label=litellm-claude.role=litellm" in calls[0]


@pytest.mark.parametrize(
    ("answers", "serves"), [([(0, "")], True), ([(1, ""), (1, ""), (0, "")], True), ([(1, "")] * 3, False)]
)
def test_a_busy_container_gets_three_tries_to_say_that_it_serves(
    docker: Fake, answers: list[tuple[int, str]], serves: bool
) -> None:
    docker((0, health("healthy")), *answers)
    assert Engine().serves("abc", "litellm") is serves


def test_a_container_that_starts_is_waited_for_before_it_is_asked(
    docker: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart of the engine all of them start; the one that served will serve again."""
    monkeypatch.setattr("rules.waiting.POLL_SECONDS", 0)
    calls = docker(*[(0, health("starting"))] * 3, (0, health("healthy")), (0, ""))
    assert Engine().serves("abc", "litellm")
    assert [call[0] for call in calls] == ["container"] * 4 + ["exec"]


def test_an_engine_that_cannot_be_asked_says_nothing_about_a_container(docker: Fake) -> None:
    docker((1, "Cannot connect to the Docker daemon"))
    with pytest.raises(EngineError, match="Cannot connect"):
        Engine().serves("abc", "litellm")


@pytest.mark.parametrize(("told", "counts"), [("true\n", True), ("false\n", False), ("<no value>\n", True)])
def test_a_kernel_counts_swap_unless_the_engine_says_that_it_does_not(docker: Fake, told: str, counts: bool) -> None:
    docker((0, told))
    assert Engine().counts_swap() is counts


def test_a_container_is_stopped_in_its_own_time_and_then_removed(docker: Fake) -> None:
    calls = docker((0, ""), (0, ""))
    Engine().remove("abc", grace_seconds=608)
    assert calls == [["stop", "--time", "608", "abc"], ["rm", "--force", "abc"]]


def test_a_container_that_is_gone_needs_no_removal(docker: Fake) -> None:
    docker((1, "Error: No such container: abc"))
    Engine().remove("abc")


def test_a_removal_that_fails_is_an_error_in_dockers_words(docker: Fake) -> None:
    docker((1, "device is busy"))
    with pytest.raises(OperationError, match="docker rm failed: device is busy"):
        Engine().remove("abc")


def test_the_end_of_a_log_is_of_both_channels_and_may_be_none(docker: Fake) -> None:
    docker((0, "ERROR: bad\n"), (1, "No such container"))
    assert Engine().log_tail("abc") == "ERROR: bad"
    assert Engine().log_tail("abc") == ""


def test_a_command_that_fails_is_an_error_in_dockers_words(docker: Fake) -> None:
    docker((1, "cannot connect"))
    with pytest.raises(OperationError, match="docker ps failed: cannot connect"):
        Engine().containers("litellm-claude-prod")


@pytest.mark.parametrize("engine", [Engine, posture.engine.Engine])
def test_tasks_are_listed_and_then_looked_at_and_none_are_asked_for_without_a_service(
    docker: Fake, engine: type[Client]
) -> None:
    calls = docker((0, "t1\nt2\n"), (0, '{"ID": "t1"}\n{"ID": "t2"}\n'), (0, ""))
    assert engine().tasks(["a", "b"]) == [{"ID": "t1"}, {"ID": "t2"}]
    assert engine().tasks([]) == engine().tasks(["c"]) == []
    assert calls == [
        ["service", "ps", "--quiet", "--no-trunc", "a", "b"],
        ["inspect", "--type", "task", "--format", "{{json .}}", "t1", "t2"],
        ["service", "ps", "--quiet", "--no-trunc", "c"],
    ]


def test_a_manager_without_a_leader_is_an_error_and_no_service_without_tasks(docker: Fake) -> None:
    docker((1, "The swarm does not have a leader"))
    with pytest.raises(EngineError, match="docker service ps failed: The swarm does not have a leader"):
        Engine().tasks(["a"])
