"""Services as Pulumi was told to make them, in the words of containers: so that one set of checks judges both.

A service has its secrets and its longer configuration as files that are named after variables (components/service.py).
What is said here of a container's environment is both together. Secrets and configs never change on a Swarm, so that
whoever has the id of one that the state knows has its value.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from posture.secrets import plain
from rules.layout import ROLE_LABEL
from rules.pulumi_types import CONFIG, NETWORK, SECRET
from rules.sizes import MIB

EVERY_INTERFACE = "0.0.0.0"  # noqa: S104 - a node publishes on all its addresses
RESTART = "any"

Inputs = Mapping[str, Any]


def variable(file: str) -> str:
    """Returns the variable that a file of a task stands for."""
    return file.rpartition("/")[2]


def contents(resources: Iterable[Inputs]) -> dict[str, str]:
    """Returns what the stack's secrets and configs hold, by their id on the Swarm."""
    return {
        str(resource["id"]): base64.b64decode(plain(resource["inputs"])["data"]).decode()
        for resource in resources
        if resource["type"] in (SECRET, CONFIG) and resource.get("id")
    }


def secrets(resources: Iterable[Inputs], files: Mapping[str, str]) -> set[str]:
    """Returns what the stack's secrets hold; a config holds none."""
    return {files[str(one["id"])] for one in resources if one["type"] == SECRET and str(one.get("id")) in files}


def network_names(resources: Iterable[Inputs]) -> dict[str, str]:
    """Returns the names of the stack's networks, by their id."""
    return {
        str(resource["id"]): str(plain(resource["inputs"])["name"])
        for resource in resources
        if resource["type"] == NETWORK and resource.get("id")
    }


def as_container(inputs: Inputs, files: Mapping[str, str], networks: Mapping[str, str]) -> dict[str, Any]:
    """Returns the inputs of a service as those of a container; ``files`` and ``networks`` by id."""
    task = inputs["taskSpec"]
    spec = task["containerSpec"]
    limits = task["resources"]["limits"]
    given = dict(spec.get("env") or {})
    for kind, identifier in (("secrets", "secretId"), ("configs", "configId")):
        for file in spec.get(kind) or []:
            given[variable(str(file["fileName"]))] = files.get(str(file[identifier]), "")
    memory = int(limits["memoryBytes"]) // MIB
    log = task.get("logDriver") or {}
    return {
        "name": inputs["name"],
        "image": spec["image"],
        "user": spec["user"],
        "hostname": spec["hostname"],
        "envs": [f"{name}={value}" for name, value in sorted(given.items())],
        "labels": spec["labels"],
        "networksAdvanced": [{"name": networks.get(str(one["id"]), one["id"])} for one in task["networksAdvanceds"]],
        "ports": [
            {"ip": EVERY_INTERFACE, "external": port["publishedPort"], "internal": port["targetPort"]}
            for port in (inputs.get("endpointSpec") or {}).get("ports") or []
        ],
        "tmpfs": {
            mount["target"]: tmpfs(mount["tmpfsOptions"]["sizeBytes"], mount["tmpfsOptions"]["mode"])
            for mount in spec.get("mounts") or []
        },
        "readOnly": spec.get("readOnly", False),
        "capabilities": {"adds": spec.get("capAdds"), "drops": spec.get("capDrops")},
        "ipcMode": "private",
        "dns": (spec.get("dnsConfig") or {}).get("nameservers"),
        "memory": memory,
        "memorySwap": memory,  # no service can say it: see cis.5.11
        "cpus": str(int(limits["nanoCpus"]) / 1e9),
        "restart": (task.get("restartPolicy") or {}).get("condition", RESTART),
        "logDriver": log.get("name"),
        "logOpts": log.get("options"),
        "healthcheck": {"tests": spec["healthcheck"]["tests"]},
    }


def tmpfs(size: int, mode: int) -> str:
    """Returns a tmpfs's options as a container has them."""
    return f"size={int(size) // MIB}m,mode={int(mode):04o}"


def role_of(inputs: Inputs) -> str:
    """Returns which role a service plays."""
    return str(next(label["value"] for label in inputs["labels"] if label["label"] == ROLE_LABEL))
