"""What is asked of docker, and what its answers are taken to mean."""

import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
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


def test_last_words_come_from_both_channels_and_may_be_none(docker: Fake) -> None:
    docker((0, "ERROR: bad\n"), (1, "No such container"))
    assert Engine().last_words("abc") == "ERROR: bad"
    assert Engine().last_words("abc") == ""


def test_a_command_that_fails_is_an_error_in_dockers_words(docker: Fake) -> None:
    docker((1, "cannot connect"))
    with pytest.raises(OperationError, match="docker ps failed: cannot connect"):
        Engine().containers("litellm-claude-prod")


def answering(monkeypatch: pytest.MonkeyPatch, status: int, out: str, error: str) -> None:
    done = subprocess.CompletedProcess([], status, out, error)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)


@pytest.mark.parametrize(
    "words",
    [
        "Error: No such network: one",
        "Error response from daemon: network one not found",
        "Error response from daemon: get one: no such volume",
        "Error response from daemon: no such image: one: No such image: one:latest",
        "WARNING: something of the client's own\nError: No such object: one",
    ],
)
def test_what_does_not_exist_is_left_out(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    answering(monkeypatch, 1, '{"Id": "two"}\n', words)
    assert Engine().inspect("network", ["one", "two"]) == [{"Id": "two"}]


@pytest.mark.parametrize(
    "words",
    [
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        "error during connect: dial unix /var/run/docker.sock: connect: no such file or directory",
    ],
)
def test_an_engine_that_is_away_has_lost_nothing(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    answering(monkeypatch, 1, "", words)
    with pytest.raises(EngineError, match="docker network inspect failed: "):
        Engine().inspect("network", ["one"])
    assert Engine().inspect("network", []) == []


def test_a_warning_of_the_client_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, 0, '{"Id": "one"}\n', "WARNING: Error loading config file\n")
    assert posture.engine.Engine().json_lines("info") == [{"Id": "one"}]


@pytest.mark.parametrize(
    ("fault", "words"),
    [(FileNotFoundError(), "no docker command on PATH"), (subprocess.TimeoutExpired("docker", 20), "in 20 s")],
)
def test_a_client_that_is_missing_or_hangs_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, words: str
) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(EngineError, match=words):
        posture.engine.Engine().run("ps")


@pytest.mark.parametrize(("host", "local"), [("unix:///var/run/docker.sock", True), ("ssh://ann@far", False)])
def test_a_published_port_is_this_machines_only_with_its_own_engine(host: str, local: bool) -> None:
    assert Engine(host).local is local


def packed(**files: str) -> bytes:
    """What `docker cp CONTAINER:/folder -` prints."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, text in files.items():
            entry = tarfile.TarInfo(f"folder/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return written.getvalue()


@pytest.mark.parametrize(
    ("printed", "lines"),
    [(packed(), []), (packed(a="1\n2\n", b="", c="3"), [b"1\n", b"2\n", b"3"]), (b"", []), (b"x" * 600, [])],
)
def test_the_lines_of_a_containers_files_are_read_as_they_come(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, printed: bytes, lines: list[bytes]
) -> None:
    (tmp_path / "printed").write_bytes(printed)
    client = tmp_path / "docker"
    client.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/asked\ncat {tmp_path}/printed\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert list(Client("unix:///x").copied("abc", "/folder")) == lines
    assert (tmp_path / "asked").read_text() == "--host unix:///x cp abc:/folder -\n"


def test_without_a_docker_client_no_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="no docker command on PATH"):
        list(Client("unix:///x").copied("abc", "/folder"))
