"""CIS Docker Benchmark v1.6.0, 4.1 and section 5: what a container may do, and what it shares with the host."""

# ruff: noqa: D103 - a check's title says what it does

from collections.abc import Mapping
from typing import Any

from posture.cis import Container, cis, each, engine_has, host, options
from posture.context import Context
from posture.model import Outcome, failed, not_applicable, verdict

SENSITIVE = {"rshared", "shared"}


def _capabilities(config: Mapping[str, Any]) -> str | None:
    added = [str(name).removeprefix("CAP_") for name in config.get("CapAdd") or []]
    if added:
        return f"adds {', '.join(added)}"
    return None if "ALL" in (config.get("CapDrop") or []) else "does not drop all capabilities"


@cis("4.1", "A user for the container has been created: no container runs as root")
def user(context: Context) -> Outcome:
    root = {"", "0", "root"}
    return each(
        context,
        lambda c: "runs as root" if str(c["Config"].get("User") or "").partition(":")[0] in root else None,
        "every user is non-root",
    )


@cis("5.2", "An AppArmor profile is enabled, if applicable")
def apparmor(context: Context) -> Outcome:
    if not engine_has(context, "apparmor"):
        return not_applicable("the engine's kernel has no AppArmor")
    return each(
        context,
        lambda c: None if c.get("AppArmorProfile") not in ("", "unconfined", None) else "has no AppArmor profile",
        "docker-default",
    )


@cis("5.3", "SELinux security options are set, if applicable")
def selinux(context: Context) -> Outcome:
    if not engine_has(context, "selinux"):
        return not_applicable("the engine does not run with SELinux")
    return each(context, lambda c: "SELinux is switched off" if "label=disable" in options(c) else None, "enforced")


host("5.4", "Linux kernel capabilities are restricted", _capabilities, "all dropped, none added")

host("5.5", "Privileged containers are not used", lambda h: "is privileged" if h.get("Privileged") else None, "none")


@cis("5.6", "Host system directories are not mounted")
def directories(context: Context) -> Outcome:
    def problem(container: Container) -> str | None:
        binds = [str(mount["Source"]) for mount in container["Mounts"] if mount["Type"] == "bind"]
        return f"mounts {', '.join(binds)} of the host" if binds else None

    return each(context, problem, "nothing of the host is mounted")


host(
    "5.10",
    "The host's network namespace is not shared",
    lambda h: f"network mode {h['NetworkMode']}" if str(h["NetworkMode"]).startswith(("host", "container:")) else None,
    "each has its own",
)

host(
    "5.13",
    "The root filesystem is mounted read-only",
    lambda h: None if h.get("ReadonlyRootfs") else "is writable",
    "all",
)

host(
    "5.16",
    "The host's process namespace is not shared",
    lambda h: f"pid mode {h['PidMode']}" if h.get("PidMode") else None,
    "each has its own",
)

host(
    "5.17",
    "The host's IPC namespace is not shared",
    lambda h: None if h.get("IpcMode") in ("private", "none") else f"ipc mode {h.get('IpcMode')}",
    "each has its own",
)

host(
    "5.18",
    "Host devices are not directly exposed",
    lambda h: "has devices" if h.get("Devices") or h.get("DeviceRequests") or h.get("DeviceCgroupRules") else None,
    "none",
)


@cis("5.20", "Mount propagation mode is not set to shared")
def propagation(context: Context) -> Outcome:
    return each(
        context,
        lambda c: "has a shared mount" if any(m.get("Propagation") in SENSITIVE for m in c["Mounts"]) else None,
        "none is shared",
    )


host(
    "5.21",
    "The host's UTS namespace is not shared",
    lambda h: "uts mode host" if h.get("UTSMode") == "host" else None,
    "each has its own",
)


@cis("5.22", "The default seccomp profile is not disabled")
def seccomp(context: Context) -> Outcome:
    if not engine_has(context, "seccomp"):
        return failed("the engine runs without seccomp")
    return each(
        context,
        lambda c: "seccomp is switched off" if any(o.startswith("seccomp=unconfined") for o in options(c)) else None,
        "the engine's default profile",
    )


@cis("5.23", "docker exec is not used with --privileged", fast=False)
def exec_privileged(context: Context) -> Outcome:
    found = [
        f"{name}: {process.command} has capabilities"
        for name, processes in context.probe("processes").items()
        for process in processes
        if process.capabilities
    ]
    return verdict(found, "no process in a container has a capability, however it was started")


@cis("5.24", "docker exec is not used with --user=root", fast=False)
def exec_root(context: Context) -> Outcome:
    found = [
        f"{name}: {process.command} runs as root"
        for name, processes in context.probe("processes").items()
        for process in processes
        if process.uid == 0
    ]
    return verdict(found, "no process in a container runs as root, however it was started")


host(
    "5.25",
    "cgroup usage is confirmed",
    lambda h: f"cgroup parent {h['CgroupParent']}" if h.get("CgroupParent") else None,
    "the engine's own",
)


@cis("5.26", "The container cannot acquire additional privileges")
def no_new_privileges(context: Context) -> Outcome:
    allowed = {"no-new-privileges", "no-new-privileges=true"}
    return each(context, lambda c: None if allowed & set(options(c)) else "may acquire privileges", "no-new-privileges")


@cis("5.30", "Docker's default bridge is not used")
def default_bridge(context: Context) -> Outcome:
    return each(
        context,
        lambda c: "is on the default bridge" if {"bridge", "host"} & set(c["NetworkSettings"]["Networks"]) else None,
        "networks of the stack's own",
    )


@cis("5.31", "The host's user namespaces are not shared")
def user_namespace(context: Context) -> Outcome:
    def problem(container: Container) -> str | None:
        return "userns mode host" if container["HostConfig"].get("UsernsMode") == "host" else None

    return each(context, problem, "no container opts out of a remapping by the engine")


@cis("5.32", "The Docker socket is not mounted inside any container")
def socket(context: Context) -> Outcome:
    def problem(container: Container) -> str | None:
        sockets = [m for m in container["Mounts"] if "docker.sock" in f"{m.get('Source')}{m.get('Destination')}"]
        return "has the engine's socket" if sockets else None

    return each(context, problem, "none")
