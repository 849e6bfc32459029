"""A stack of services made up: as the state has them, and as a manager tells them."""

import base64
import copy
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from posture.declaration import Declaration, parse
from posture.engine import Engine
from posture.services_context import SERVICE_ID, ServicesContext

KEY = "sk-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
IMAGE = "registry.example.org/litellm-claude/role@sha256:" + "a" * 64
NETWORKS = {"edge": False, "door": True, "backend": True, "egress": False}
ROLES: dict[str, tuple[str, ...]] = {
    "front": ("edge", "door"),
    "gateway": ("door", "backend"),
    "litellm": ("backend",),
    "egress": ("backend", "egress"),
}
SECRETS = {"litellm": {"LITELLM_MASTER_KEY": KEY, "ANTHROPIC_API_KEY": "sk-ant-of-the-tests"}}
ENVIRONMENT = {"litellm": {"LOG_LEVEL": "INFO"}, "egress": {"EGRESS_ALLOW": "api.anthropic.com"}}
CONFIG = {
    "environment": "production",
    "orchestrator": "swarm",
    "registry": "registry.example.org",
    "hostname": "gateway.example.org",
    "tls": "managed",
    "anthropicApiKey": "sk-ant-of-the-tests",
}
LISTS = {"bindAddresses": ["0.0.0.0"], "allowedCidrs": ["10.0.0.0/8"]}
LABELS = {"litellm-claude.stack": "litellm-claude-test"}
MODES = (0o777, 0o400)
TMPFS = {"SizeBytes": 16 << 20, "Mode": MODES[0]}

Answer = dict[str, Any]


def _id(name: str) -> str:
    return f"id-{name}"


def _labels(role: str) -> Answer:
    return {**LABELS, "litellm-claude.role": role}


def resources() -> list[Answer]:
    """The state's resources."""
    found: list[Answer] = [
        {
            "type": "docker:index/network:Network",
            "id": _id(role),
            "inputs": {
                "name": f"test-{role}",
                "driver": "overlay",
                "internal": internal,
                "options": {"encrypted": "true"},
                "labels": [{"label": name, "value": value} for name, value in _labels(role).items()],
            },
        }
        for role, internal in NETWORKS.items()
    ]
    for role, networks in ROLES.items():
        secrets = SECRETS.get(role, {})
        found += [
            {
                "type": "docker:index/secret:Secret",
                "id": _id(name),
                "inputs": {"name": name.lower(), "data": base64.b64encode(value.encode()).decode()},
            }
            for name, value in secrets.items()
        ]
        labels = [{"label": name, "value": value} for name, value in _labels(role).items()]
        found.append(
            {
                "type": "docker:index/service:Service",
                "id": _id(f"service {role}"),
                "inputs": {
                    "name": f"test-{role}",
                    "labels": labels,
                    "taskSpec": {
                        "containerSpec": {
                            "image": IMAGE,
                            "user": "1:1",
                            "hostname": role,
                            "env": ENVIRONMENT.get(role, {}),
                            "labels": labels,
                            "secrets": [
                                {"secretId": _id(name), "secretName": name.lower(), "fileName": name}
                                for name in secrets
                            ],
                            "mounts": [{"target": "/tmp", "tmpfsOptions": {"sizeBytes": 16 << 20, "mode": MODES[0]}}],
                            "readOnly": True,
                            "capDrops": ["ALL"],
                            "healthcheck": {"tests": ["CMD", f"{role}-healthcheck"]},
                        },
                        "networksAdvanceds": [{"id": _id(network)} for network in networks],
                        "resources": {"limits": {"memoryBytes": 64 << 20, "nanoCpus": 500_000_000}},
                        "restartPolicy": {"condition": "any"},
                        "logDriver": {"name": "json-file", "options": {"max-size": "10m"}},
                    },
                    "endpointSpec": {
                        "mode": "dnsrr",
                        "ports": [{"publishedPort": 4000, "targetPort": 8443}] if role == "front" else [],
                    },
                },
            }
        )
    return found


def told() -> dict[str, Answer]:
    """What ``docker service inspect`` prints, by role."""
    return {
        role: {
            "ID": _id(f"service {role}"),
            "Spec": {
                "Name": f"test-{role}",
                "Labels": _labels(role),
                "TaskTemplate": {
                    "ContainerSpec": {
                        "Image": IMAGE,
                        "User": "1:1",
                        "Hostname": role,
                        "Env": [f"{name}={value}" for name, value in ENVIRONMENT.get(role, {}).items()],
                        "Labels": _labels(role),
                        "Secrets": [
                            {
                                "SecretID": _id(name),
                                "SecretName": name.lower(),
                                "File": {"Name": name, "UID": "1", "GID": "1", "Mode": MODES[1]},
                            }
                            for name in SECRETS.get(role, {})
                        ],
                        "Mounts": [{"Type": "tmpfs", "Target": "/tmp", "TmpfsOptions": TMPFS}],
                        "ReadOnly": True,
                        "CapabilityDrop": ["ALL"],
                        "Healthcheck": {"Test": ["CMD", f"{role}-healthcheck"]},
                    },
                    "Networks": [{"Target": _id(network)} for network in networks],
                    "Resources": {"Limits": {"MemoryBytes": 64 << 20, "NanoCPUs": 500_000_000}},
                    "RestartPolicy": {"Condition": "any"},
                    "LogDriver": {"Name": "json-file", "Options": {"max-size": "10m"}},
                },
                "EndpointSpec": {
                    "Mode": "dnsrr",
                    "Ports": [
                        {"Protocol": "tcp", "TargetPort": 8443, "PublishedPort": 4000, "PublishMode": "host"},
                    ]
                    if role == "front"
                    else [],
                },
            },
        }
        for role, networks in ROLES.items()
    }


def declared() -> Declaration:
    """The declaration, read as ``make verify`` reads it."""
    config: Answer = {f"litellm-claude:{name}": {"value": value} for name, value in CONFIG.items()}
    config |= {f"litellm-claude:{name}": {"value": "-", "objectValue": value} for name, value in LISTS.items()}
    return parse("test", {"deployment": {"resources": resources()}}, config, "")


class Manager(Engine):
    """Stands in for a manager's engine."""

    def __init__(self, change: Callable[[dict[str, Answer]], None]) -> None:
        super().__init__("unix:///nowhere")
        self.services = told()
        self.task_list = [
            {
                "ID": _id(f"task {role}"),
                "ServiceID": service["ID"],
                "NodeID": "n1",
                "DesiredState": "running",
                "Status": {"State": "running", "ContainerStatus": {"ContainerID": _id(f"container {role}")}},
                "Spec": copy.deepcopy(service["Spec"]["TaskTemplate"]),
            }
            for role, service in self.services.items()
        ]
        self.nodes = [
            {
                "ID": f"n{number}",
                "Spec": {"Role": "manager"},
                "Status": {"State": "ready"},
                "Description": {"Hostname": f"node-{number}"},
            }
            for number in (1, 2, 3)
        ]
        self.containers: list[Answer] = []
        self.info: Answer = {"SecurityOptions": ["name=seccomp,profile=default"]}
        change(self.services)

    def run(self, *arguments: str, **_: Any) -> str:
        return "" if arguments[0] == "ps" else "an-id"

    def json_lines(self, *_: str) -> list[Answer]:
        return [self.info]

    def tasks(self, services: Iterable[str], seconds: float | None = None) -> list[Answer]:
        return self.task_list

    def inspect(self, kind: str, names: Iterable[str], seconds: float | None = None) -> list[Answer]:
        networks = [
            {
                "Name": f"test-{role}",
                "Driver": "overlay",
                "Internal": internal,
                "Attachable": False,
                "Options": {"encrypted": "true", "com.docker.network.driver.overlay.vxlanid_list": "4097"},
                "IPAM": {"Config": []},
            }
            for role, internal in NETWORKS.items()
        ]
        return {
            "service": list(self.services.values()),
            "node": self.nodes,
            "network": networks,
            "container": self.containers,
        }[kind]


def context_of(
    folder: Path, change: Callable[[dict[str, Answer]], None] = lambda _: None
) -> tuple[ServicesContext, Manager]:
    """A context on such a manager; ``change`` gets what it tells of the services."""
    made = ServicesContext(declared(), folder, {})
    made.engine = Manager(change)
    made._taken |= {"logs": {}, "processes": {}}
    return made, made.engine


def task_container(role: str, **host: Any) -> Answer:
    """A task's container on this node, as the engine has it."""
    return {
        "Id": _id(f"container {role}"),
        "Name": f"/test-{role}.1.x",
        "Config": {"Labels": {SERVICE_ID: _id(f"service {role}"), **_labels(role)}, "User": "1:1"},
        "Mounts": [],
        "HostConfig": {"CapDrop": ["ALL"], "ReadonlyRootfs": True, "Memory": 64 << 20, "Privileged": False, **host},
    }
