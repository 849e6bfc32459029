"""A registry for a try is started where a stack of services names one on this machine, and nobody answers there."""

import contextlib
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops import try_registry

PROGRAM = f"""#!{sys.executable}
import json, socket, sys
host, _, port = json.load(open(sys.argv[2]))["http"]["addr"].partition(":")
if port == "1":
    sys.exit("no such address on purpose")
server = socket.create_server((host, int(port)))
while True:
    server.accept()[0].close()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project, with a docker-registry that only listens; what was started of it ends with the test."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: litellm-claude\n")
    (tmp_path / "setup").mkdir()
    tool, program = tmp_path / "setup" / "debian_tool.sh", tmp_path / "docker-registry"
    tool.write_text(f"#!/bin/sh\necho {tmp_path}\n")
    program.write_text(PROGRAM)
    for one in (tool, program):
        one.chmod(0o755)
    yield tmp_path
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if str(program).encode() in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


def main(project: Path, monkeypatch: pytest.MonkeyPatch, registry: str, **more: Any) -> int:
    """What `make up` does, with these settings."""
    settings = {"orchestrator": "swarm", "registry": registry, **more}
    config = {f"litellm-claude:{name}": value for name, value in settings.items()}
    (project / "Pulumi.try.yaml").write_text(yaml.safe_dump({"config": config}))
    monkeypatch.setattr(sys, "argv", ["try_registry", "try"])
    return try_registry.main()


def free() -> int:
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        return int(there.getsockname()[1])


def test_one_is_started_once_and_what_to_know_of_it_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = f"127.0.0.1:{free()}"
    assert main(project, monkeypatch, f"http://{where}/llm") == 0
    said = capsys.readouterr().err
    assert f"nobody answered at {where}" in said
    assert f'"insecure-registries": ["{where}"]' in said
    assert re.search(r"kill \d+", said)
    told = json.loads((project / ".toolchain" / "registry" / "registry.json").read_text())
    assert told["http"] == {"addr": where}
    assert told["storage"] == {"filesystem": {"rootdirectory": f"{project}/.toolchain/registry/images"}}
    assert main(project, monkeypatch, f"http://{where}/llm") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("registry", "more"),
    [
        ("registry.example.org/llm", {}),
        ("http://192.0.2.1:5000", {}),
        ("http://127.0.0.1:1", {"orchestrator": "docker"}),
        ("http://127.0.0.1:1", {"dockerHost": "ssh://root@manager.example.org"}),
        ("", {}),
    ],
)
def test_none_is_started_for_another_machine_or_without_need(
    project: Path, monkeypatch: pytest.MonkeyPatch, registry: str, more: dict[str, str]
) -> None:
    assert main(project, monkeypatch, registry, **more) == 0
    assert not (project / ".toolchain").exists()


def test_one_that_does_not_start_stops_the_update_with_its_own_words(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(project, monkeypatch, "http://127.0.0.1:1") == 1
    assert "does not answer at 127.0.0.1:1: no such address on purpose" in capsys.readouterr().err


def test_where_there_is_none_to_start_that_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "setup" / "debian_tool.sh").write_text("#!/bin/sh\nexit 1\n")
    assert main(project, monkeypatch, "http://127.0.0.1:1") == 1
    assert "nobody answers at 127.0.0.1:1" in capsys.readouterr().err
