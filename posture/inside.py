"""Looks taken from inside the containers, by ``docker exec`` as the container's own user."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from posture.declaration import Declaration
from posture.engine import Engine
from posture.programs import text_of
from rules.keys import DEVELOPMENT_KEY
from rules.layout import CLAUDE_CONFIG_DIR
from rules.waiting import POLL_SECONDS

PYTHON = "/opt/venv/bin/python"
METADATA = "169.254.169.254"
"""Where clouds answer with credentials."""
PUBLIC = "1.1.1.1"
DEFAULT_BRIDGE = "172.17.0.1"
REFUSED = "posture.example.com"
RUNC_INIT = "runc:["
"""Name of a process that is about to become what docker exec was asked for."""


@dataclass(frozen=True)
class Inside:
    """Answers from LiteLLM's container. Statuses are numbers, or the name of the error that stood in their way."""

    keys: Mapping[str, int | str]
    default_routes: list[str]
    """Next hops of default routes that somebody answers for."""
    volume: Mapping[str, Any]
    login: Mapping[str, Any] | None
    packages: Mapping[str, str]
    tunnels: Mapping[str, int | str]
    neighbours: Mapping[str, bool]
    names: Mapping[str, bool]
    limits: str | None = None
    """For whom limits are counted, where there are several replicas (api/app.py)."""


@dataclass(frozen=True)
class Process:
    """A process in a container: its number and command's name, effective user and effective capabilities."""

    pid: int
    command: str
    uid: int
    capabilities: int
    no_new_privileges: bool = False
    """Can it, and what it starts, never get more rights than it has (prctl(2), PR_SET_NO_NEW_PRIVS)?"""


def questions(declaration: Declaration, networks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns what to ask from inside LiteLLM's container; ``networks`` is what the engine says of the stack's."""
    litellm = declaration.containers["litellm"].environment
    bridges = [
        str(config["Gateway"]).partition("/")[0]
        for network in networks.values()
        for config in network["IPAM"]["Config"] or []
        if config.get("Gateway")
    ]
    name, port = declaration.settings.upstream
    fast = not declaration.complete
    return {
        "packages": not fast,
        "keys": {
            "none": None,
            "current": declaration.key,
            "wrong": "sk-" + "0" * 64,
            "malformed": "not-a-key",
            "sk-1234": "sk-1234",
            DEVELOPMENT_KEY: DEVELOPMENT_KEY,
            **(
                {"previous": litellm["LITELLM_PREVIOUS_MASTER_KEY"]} if "LITELLM_PREVIOUS_MASTER_KEY" in litellm else {}
            ),
        },
        "neighbours": [] if fast else [(address, 22) for address in sorted({*bridges, DEFAULT_BRIDGE})],
        "names": [] if fast else [name, REFUSED],
        "tunnels": {}
        if fast
        else {
            "allowed": f"{name}:{port}",
            "other name": f"{REFUSED}:443",
            "other port": f"{name}:22",
            "metadata address": f"{METADATA}:443",
            "public address": f"{PUBLIC}:443",
        },
        "folder": CLAUDE_CONFIG_DIR,
    }


def look(engine: Engine, container: str, asked: Mapping[str, Any]) -> Inside:
    """Asks ``asked`` inside the container.

    Raises:
        EngineError: when nothing can be run in it.
    """
    out = json.loads(
        engine.run("exec", "-i", container, PYTHON, "-I", "-c", text_of("inside"), stdin=json.dumps(asked))
    )
    return Inside(**out)


def processes(engine: Engine, container: str) -> list[Process]:
    """Returns the processes of a container, those that people started with ``docker exec`` too.

    Another ``docker exec``, one of these checks for instance, shows for an instant as root and with all capabilities,
    before it becomes what it was asked for. So what looks like that is looked at a second time.
    """
    found = _processes(engine, container)
    if any(process.command.startswith(RUNC_INIT) for process in found):
        time.sleep(POLL_SECONDS)
        before = set(found)
        found = [p for p in _processes(engine, container) if not p.command.startswith(RUNC_INIT) or p in before]
    return found


def _processes(engine: Engine, container: str) -> list[Process]:
    script = (
        "for p in /proc/[0-9]*; do "
        'IFS= read -r name 2>/dev/null <"$p/comm" && uid= && caps= && nnp= && while read -r field first second _; do '
        "case $field in Uid:) uid=$second;; CapEff:) caps=$first;; NoNewPrivs:) nnp=$first;; esac; "
        """done 2>/dev/null <"$p/status" && printf '%s\\n' "${p#/proc/} $uid $caps $nnp :$name"; done; true"""
    )
    # A process chooses its name (prctl(2), PR_SET_NAME): none at all, or what splits a line, must not hide it.
    lines = (line.split(" ", 4) for line in engine.run("exec", container, "sh", "-c", script).split("\n"))
    return [Process(int(w[0]), w[4][1:], int(w[1]), int(w[2], 16), w[3] == "1") for w in lines if len(w) == 5 and w[1]]
