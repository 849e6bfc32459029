"""A declared stack and an engine's view of it, made up: no engine is asked."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from posture.context import Context
from posture.declaration import Declaration, DeclaredContainer
from posture.inside import Inside
from posture.running import Running
from rules.settings import Settings

KEY = "sk-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
IMAGE = "sha256:" + "a" * 64
INPUTS: dict[str, Any] = {
    "image": IMAGE,
    "user": "1:1",
    "hostname": "role",
    "envs": ["A=b"],
    "labels": [{"label": "litellm-claude.stack", "value": "litellm-claude-test"}],
    "networksAdvanced": [{"name": "net"}],
    "capabilities": {"drops": ["ALL"]},
    "securityOpts": ["no-new-privileges:true"],
    "ipcMode": "private",
    "readOnly": True,
    "memory": 256,
    "memorySwap": 256,
    "cpus": "1.0",
    "restart": "unless-stopped",
    "ulimits": [{"name": "nofile", "soft": 1, "hard": 1}, {"name": "nproc", "soft": 1, "hard": 1}],
    "logDriver": "json-file",
    "logOpts": {"max-size": "10m"},
    "healthcheck": {"tests": ["CMD", "check"]},
}
INSPECTED: dict[str, Any] = {
    "Image": IMAGE,
    "Args": [],
    "AppArmorProfile": "",
    "Mounts": [],
    "State": {"Running": True, "Status": "running", "Health": {"Status": "healthy"}},
    "NetworkSettings": {"Networks": {"net": {}}, "Ports": {}},
    "Config": {
        "User": "1:1",
        "Hostname": "role",
        "Image": IMAGE,
        "Env": ["A=b", "PATH=/bin"],
        "Labels": {"litellm-claude.stack": "litellm-claude-test", "of.the": "image"},
        "Healthcheck": {"Test": ["CMD", "check"]},
        "Entrypoint": ["run"],
        "Cmd": None,
        "WorkingDir": "",
    },
    "HostConfig": {
        "CapAdd": None,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "NetworkMode": "net",
        "IpcMode": "private",
        "PidMode": "",
        "UTSMode": "",
        "UsernsMode": "",
        "CgroupParent": "",
        "Privileged": False,
        "PublishAllPorts": False,
        "ReadonlyRootfs": True,
        "AutoRemove": False,
        "Memory": 256 << 20,
        "MemorySwap": 256 << 20,
        "NanoCpus": 10**9,
        "PidsLimit": None,
        "RestartPolicy": {"Name": "unless-stopped"},
        "Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 1}, {"Name": "nproc", "Soft": 1, "Hard": 1}],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
    },
}
INSIDE = Inside(
    keys={"current": 200, "none": 401, "wrong": 401, "malformed": 401, "sk-1234": 401, "sk-development-only": 401},
    default_routes=[],
    volume={"uid": 10001, "gid": 10001, "mode": 0o700},
    login=None,
    packages={"litellm": "1.108.7"},
    tunnels={"allowed": 200, "other name": 403, "other port": 403},
    neighbours={"172.17.0.1": False},
    names={"posture.example.com": False},
)
Make = Callable[..., Context]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Returns a function that makes a context; ``change`` gets the three inspected containers by role."""

    def build(
        change: Callable[[dict[str, Any]], None] = lambda _: None,
        *,
        settings: dict[str, Any] | None = None,
        env: dict[str, str] | None = None,
        engine: dict[str, Any] | None = None,
        replicas: int = 1,
        **probes: Any,
    ) -> Context:
        given = {"environment": "production", "allowedCidrs": ["10.0.0.0/8"], **(settings or {})}
        variables = {
            "litellm": {"LITELLM_MASTER_KEY": KEY, **(env or {})},
            "gateway": {},
            "egress": {"EGRESS_ALLOW": "a.b"},
            "front": {},
        }
        more = {f"litellm-{number}": variables["litellm"] for number in range(2, replicas + 1)}
        variables |= {**more, "valkey": {}} if more else {}
        declared, found = {}, {}
        for role, pairs in variables.items():
            inputs = {**copy.deepcopy(INPUTS), "name": role}
            inputs["envs"] += [f"{name}={value}" for name, value in pairs.items()]
            declared[role] = DeclaredContainer(role, f"id-{role}", inputs)
            found[role] = {**copy.deepcopy(INSPECTED), "Id": f"id-{role}", "Name": f"/{role}"}
            found[role]["Config"]["Env"] += [f"{name}={value}" for name, value in pairs.items()]
        change(found)
        context = Context(
            Declaration(
                stack="test",
                settings=Settings.model_validate(given),
                containers=declared,
                networks={role: {"name": "net"} for role in ("backend", "door", *(["limits"] if more else []))},
                volume="volume",
                secrets=frozenset({KEY}),
            ),
            tmp_path,
            {},
        )
        image = {"Config": {"Env": ["PATH=/bin"], "Labels": {"of.the": "image"}, "Entrypoint": ["run"]}}
        context.running = Running(
            containers=tuple(found.values()),
            networks={"net": {"Name": "net", "Internal": True, "Driver": "bridge", "Options": {}}},
            images={IMAGE: image},
            volume={"Name": "volume"},
            engine={"SecurityOptions": ["name=seccomp,profile=default"], **(engine or {})},
        )
        context._taken |= {f"inside {name}": INSIDE for name in more}
        context._taken |= {"inside": INSIDE, "logs": {}, "processes": {}, **probes}
        return context

    return build
