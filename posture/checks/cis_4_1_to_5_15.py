"""CIS Docker Benchmark v1.6.0, items 4.1 to 5.15: users, isolation, mounts, ports, limits and restarts."""

# ruff: noqa: D103 - a check's title says what it does

from collections.abc import Mapping
from typing import Any

from posture.cis import Container, cis, each, engine_has, host, options
from posture.context import Context
from posture.model import Outcome, Severity, excepted, failed, not_applicable, passed, verdict
from posture.running import name_of

BOUNDED = ("unless-stopped", "on-failure", "no", "")
WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - what is looked for


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


@cis("5.1", "Swarm mode is not enabled, if not needed", severity=Severity.LOW)
def swarm(context: Context) -> Outcome:
    state = context.running.engine.get("Swarm", {}).get("LocalNodeState", "inactive")
    if state == "inactive":
        return passed("inactive")
    return failed(f"swarm mode is {state} on the engine; this stack needs none")


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


@cis("5.7", "sshd is not run within containers", fast=False)
def sshd(context: Context) -> Outcome:
    found = [
        f"{name}: {process.command}"
        for name, processes in context.probe("processes").items()
        for process in processes
        if process.command in ("sshd", "dropbear", "telnetd")
    ]
    return verdict(found, "no remote shell among the processes")


@cis("5.8", "Privileged ports are not mapped within containers")
def privileged_ports(context: Context) -> Outcome:
    low = {(name, port) for name, ports in context.running.published().items() for _, port, _ in ports if port < 1024}
    settings = context.settings
    declared = {settings.port, settings.redirect_port, settings.metrics_port}
    wrong = [f"{name} publishes {port}" for name, port in sorted(low) if port not in declared]
    if wrong or not low:
        return verdict(wrong, "none below 1024")
    shown = ", ".join(str(port) for _, port in sorted(low))
    return excepted(f"{shown} is the declared port of HTTPS; in the container an unprivileged one listens")


@cis("5.9", "Only needed ports are open on the container")
def needed_ports(context: Context) -> Outcome:
    front = context.declared("front").name
    wrong = [f"{name} publishes ports" for name in context.running.published() if name != front]
    every = [name_of(c) for c in context.running.containers if c["HostConfig"].get("PublishAllPorts")]
    return verdict([*wrong, *(f"{name} publishes all ports" for name in every)], "the front's alone")


host(
    "5.10",
    "The host's network namespace is not shared",
    lambda h: f"network mode {h['NetworkMode']}" if str(h["NetworkMode"]).startswith(("host", "container:")) else None,
    "each has its own",
)


host("5.11", "Memory usage is limited", lambda h: None if h.get("Memory") else "has no memory limit", "all limited")


host(
    "5.12",
    "CPU priority is set",
    lambda h: None if h.get("NanoCpus") or h.get("CpuQuota") or h.get("CpuShares") else "has no CPU limit",
    "all limited",
)


host(
    "5.13",
    "The root filesystem is mounted read-only",
    lambda h: None if h.get("ReadonlyRootfs") else "is writable",
    "all",
)


@cis("5.14", "Incoming traffic is bound to a specific host interface")
def interface(context: Context) -> Outcome:
    wild = {
        (name, address)
        for name, ports in context.running.published().items()
        for address, _, _ in ports
        if address in WILDCARDS
    }
    declared = {str(address) for address in context.settings.bind_addresses}
    front = context.declared("front").name
    wrong = [
        f"{name} is published on {address}"
        for name, address in sorted(wild)
        if name != front or address not in declared
    ]
    if wrong or not wild:
        return verdict(wrong, ", ".join(sorted(declared)))
    return excepted("bindAddresses asks for every interface; the allow-list decides who is answered")


@cis("5.15", "The restart policy is limited")
def restart(context: Context) -> Outcome:
    policies = {name_of(c): c["HostConfig"]["RestartPolicy"]["Name"] for c in context.running.containers}
    wrong = [f"{name}: {policy}" for name, policy in policies.items() if policy not in BOUNDED]
    if wrong:
        return failed("; ".join(wrong))
    return excepted(
        "unless-stopped, not on-failure:5: the stack comes back after a reboot without a hand, with a growing pause"
    )
