"""Docker's client as all parts use it: what does not exist, what fails, and what takes too long."""

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

import posture.engine
from ops.engine import Engine
from rules.docker import Client, EngineError


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


@pytest.mark.parametrize(
    ("shell", "given", "typed"),
    [
        ("", (), "docker"),
        ("", ("ssh://ann@far",), "env DOCKER_HOST=ssh://ann@far docker"),
        ("unix:///run/user/1000/docker.sock", (), "env DOCKER_HOST=unix:///run/user/1000/docker.sock docker"),
        (
            "",
            ("tcp://far:2376", "/my keys"),
            "env DOCKER_HOST=tcp://far:2376 DOCKER_CERT_PATH='/my keys' DOCKER_TLS_VERIFY=1 docker",
        ),
    ],
)
def test_what_a_person_types_goes_to_the_stacks_own_engine(
    monkeypatch: pytest.MonkeyPatch, shell: str, given: tuple[str, ...], typed: str
) -> None:
    """Typed without it, the fix removes what has the same name on another engine, or nothing."""
    monkeypatch.setenv("DOCKER_HOST", shell)
    assert Engine(*given).typed == typed


def test_a_warning_of_the_client_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, 0, '{"Id": "one"}\n', "WARNING: Error loading config file\n")
    assert posture.engine.Engine().json_lines("info") == [{"Id": "one"}]


@pytest.mark.parametrize(
    ("fault", "words"),
    [(FileNotFoundError(), "no docker command on PATH"), (subprocess.TimeoutExpired("docker", 60), "in 60 s")],
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
