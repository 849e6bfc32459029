"""A service as the managers tell it, in the words of an inspected container; see posture/services_declared.py."""

from collections.abc import Mapping
from typing import Any

from posture.services_declared import EVERY_INTERFACE, RESTART, tmpfs, variable

Answer = Mapping[str, Any]
UNKNOWN = "(not one of the state's)"
# What no service can ask for, as an engine says it of a container that has not.
NEVER: dict[str, Any] = {
    "Privileged": False,
    "PublishAllPorts": False,
    "NetworkMode": "default",
    "IpcMode": "private",  # as posture/services_declared.py says it
    "PidMode": "",
    "UTSMode": "",
    "UsernsMode": "",
    "CgroupParent": "",
    "AutoRemove": False,
    "SecurityOpt": None,
}


def as_container(
    service: Answer, running: int, wanted: int, files: Mapping[str, str], networks: Mapping[str, str]
) -> dict[str, Any]:
    """Returns what was inspected as a container's; ``files`` and ``networks`` by id, the tasks as numbers."""
    spec = service["Spec"]
    task = spec["TaskTemplate"]
    container, limits = task["ContainerSpec"], (task.get("Resources") or {}).get("Limits") or {}
    environment = list(container.get("Env") or [])
    for kind, identifier in (("Secrets", "SecretID"), ("Configs", "ConfigID")):
        for one in container.get(kind) or []:
            name = variable(str((one.get("File") or {}).get("Name")))
            environment.append(f"{name}={files.get(str(one[identifier]), UNKNOWN)}")
    mounts = container.get("Mounts") or []
    attached: dict[str, Any] = {
        networks.get(str(one["Target"]), str(one["Target"])): {} for one in task.get("Networks") or []
    }
    all_there = running >= wanted > 0
    log = task.get("LogDriver") or {}
    return {
        "Id": service["ID"],
        "Name": f"/{spec['Name']}",
        "Image": container["Image"],
        "Args": container.get("Args") or [],
        "AppArmorProfile": "docker-default",  # no service can refuse it
        "State": {
            "Running": running > 0,
            "Status": "running" if all_there else f"there with {running} of {wanted} tasks",
            "Health": {"Status": "healthy" if all_there else "unhealthy"},
        },
        "Mounts": [_mount(mount) for mount in mounts if mount["Type"] != "tmpfs"],
        "NetworkSettings": {"Networks": attached, "Ports": _ports(service)},
        "Config": {
            "User": container.get("User", ""),
            "Hostname": container.get("Hostname", ""),
            "Image": container["Image"],
            "Env": environment,
            "Labels": container.get("Labels") or {},
            "Healthcheck": container.get("Healthcheck"),
            "Entrypoint": container.get("Command"),
            "Cmd": container.get("Args"),
            "WorkingDir": container.get("Dir", ""),
        },
        "HostConfig": {
            **NEVER,
            "CapAdd": container.get("CapabilityAdd"),
            "CapDrop": container.get("CapabilityDrop"),
            "GroupAdd": container.get("Groups"),
            "Sysctls": container.get("Sysctls"),
            "ExtraHosts": container.get("Hosts"),
            "Dns": (container.get("DNSConfig") or {}).get("Nameservers"),
            "ReadonlyRootfs": container.get("ReadOnly", False),
            "Tmpfs": {
                mount["Target"]: tmpfs(mount["TmpfsOptions"]["SizeBytes"], mount["TmpfsOptions"]["Mode"])
                for mount in mounts
                if mount["Type"] == "tmpfs"
            },
            "Memory": limits.get("MemoryBytes", 0),
            "MemorySwap": limits.get("MemoryBytes", 0),
            "NanoCpus": limits.get("NanoCPUs", 0),
            "PidsLimit": limits.get("Pids", 0),
            "Ulimits": container.get("Ulimits"),
            "RestartPolicy": {"Name": (task.get("RestartPolicy") or {}).get("Condition", RESTART)},
            "LogConfig": {"Type": log.get("Name"), "Config": log.get("Options")},
        },
    }


def _mount(mount: Answer) -> dict[str, Any]:
    return {
        "Type": mount["Type"],
        "Name": mount.get("Source"),
        "Source": mount.get("Source", ""),
        "Destination": mount.get("Target"),
        "Propagation": (mount.get("BindOptions") or {}).get("Propagation", ""),
    }


def _ports(service: Answer) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in (service["Spec"].get("EndpointSpec") or {}).get("Ports") or []:
        binding = {"HostIp": EVERY_INTERFACE, "HostPort": str(port.get("PublishedPort", 0))}
        found.setdefault(f"{port['TargetPort']}/{port['Protocol']}", []).append(binding)
    return found
