"""What is asked from inside LiteLLM's container, and how the answers are read."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from posture import inside
from posture.engine import Engine
from posture.inside import Inside, Process
from tests.unit.posture.conftest import INSIDE, KEY, Make
from tests.unit.posture.test_looks import Told


def test_everything_is_asked_from_inside_but_in_an_update(make: Make) -> None:
    """RFC 4254: SSH listens on 22, which nobody lets pass; 169.254.169.254 is where clouds give credentials."""
    declared = make(env={"LITELLM_PREVIOUS_MASTER_KEY": "sk-old"}).declaration
    networks: dict[str, Any] = {
        "a": {"IPAM": {"Config": [{"Gateway": "10.9.0.1/24"}, {"Subnet": "10.9.0.0/24"}]}},
        "b": {"IPAM": {"Config": None}},
    }
    asked = inside.questions(declared, networks)
    keys = {
        "none": None,
        "current": KEY,
        "wrong": "sk-" + "0" * 64,
        "malformed": "not-a-key",
        "sk-1234": "sk-1234",
        "sk-development-only": "sk-development-only",
        "previous": "sk-old",
    }
    assert asked == {
        "packages": True,
        "keys": keys,
        "neighbours": [("10.9.0.1", 22), ("172.17.0.1", 22)],
        "names": ["api.anthropic.com", "posture.example.com"],
        "tunnels": {
            "allowed": "api.anthropic.com:443",
            "other name": "posture.example.com:443",
            "other port": "api.anthropic.com:22",
            "metadata address": "169.254.169.254:443",
            "public address": "1.1.1.1:443",
        },
        "folder": "/home/app/.claude",
    }
    nothing: dict[str, Any] = {"packages": False, "neighbours": [], "names": [], "tunnels": {}}
    assert inside.questions(replace(declared, complete=False), networks) == {**asked, **nothing}


def test_questions_go_in_by_standard_input_and_answers_come_as_json() -> None:
    engine = Told({"exec -i c1": json.dumps(INSIDE.__dict__)})
    assert inside.look(engine, "c1", {"keys": {}}) == Inside(**INSIDE.__dict__)
    ((*command, _, stdin),) = engine.asked
    assert command == ["exec", "-i", "c1", "/opt/venv/bin/python", "-I", "-c"]
    assert json.loads(str(stdin)) == {"keys": {}}


def test_processes_are_read_with_user_and_capabilities() -> None:
    engine = Told({"exec c1 sh": "1 0 00000000a80425fb 0 :tini x\n9 10001 0000000000000000 1 :python\n7   :gone\n"})
    expected = [Process(1, "tini x", 0, 0xA80425FB), Process(9, "python", 10001, 0, no_new_privileges=True)]
    assert inside.processes(engine, "c1") == expected


class Here(Engine):
    """Runs in this machine's shell what would run in a container's."""

    def run(self, *arguments: str, stdin: str | None = None, check: bool = True, both: bool = False) -> str:
        done = subprocess.run(arguments[2:], capture_output=True, text=True, errors="replace", check=check)
        return done.stdout


NAMED = (
    "import ctypes, sys; ctypes.CDLL(None).prctl(15, bytes.fromhex(sys.argv[1])); print(flush=True); sys.stdin.read()"
)


@pytest.mark.parametrize(
    ("name", "told"),
    [(b"", ""), (b" ", " "), (b"\nsh", ""), (b"a\x1cb", "a\x1cb"), (b"a\\cb", "a\\cb"), (b"x y", "x y")],
)
def test_no_name_hides_a_process(name: bytes, told: str) -> None:
    command = [sys.executable, "-c", NAMED, name.hex()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        started.stdout.readline()
        found = [one for one in inside.processes(Here(), "c1") if one.pid == started.pid]
        started.kill()
    assert [(one.command, one.uid) for one in found] == [(told, os.geteuid())]
