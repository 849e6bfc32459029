"""CIS Docker Benchmark v1.6.0, section 5: ports, limits, restarts, health and images."""

# ruff: noqa: D103 - a check's title says what it does

from posture.checks.network import published
from posture.cis import Container, cis, each, host
from posture.context import Context
from posture.model import Outcome, Severity, excepted, failed, passed, verdict
from posture.running import name_of

WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - what is looked for


@cis("5.1", "Swarm mode is not enabled, if not needed", severity=Severity.LOW)
def swarm(context: Context) -> Outcome:
    state = context.running.engine.get("Swarm", {}).get("LocalNodeState", "inactive")
    return (
        passed("inactive")
        if state == "inactive"
        else failed(f"swarm mode is {state} on the engine; this stack needs none")
    )


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
    low = {(name, port) for name, ports in published(context).items() for _, port, _ in ports if port < 1024}
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
    wrong = [f"{name} publishes ports" for name in published(context) if name != front]
    every = [name_of(c) for c in context.running.containers if c["HostConfig"].get("PublishAllPorts")]
    return verdict([*wrong, *(f"{name} publishes all ports" for name in every)], "the front's alone")


host("5.11", "Memory usage is limited", lambda h: None if h.get("Memory") else "has no memory limit", "all limited")

host(
    "5.12",
    "CPU priority is set",
    lambda h: None if h.get("NanoCpus") or h.get("CpuQuota") or h.get("CpuShares") else "has no CPU limit",
    "all limited",
)


@cis("5.14", "Incoming traffic is bound to a specific host interface")
def interface(context: Context) -> Outcome:
    wild = {
        (name, address) for name, ports in published(context).items() for address, _, _ in ports if address in WILDCARDS
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
    wrong = []
    for container in context.running.containers:
        policy = container["HostConfig"]["RestartPolicy"]["Name"]
        if policy not in ("unless-stopped", "on-failure", "no", ""):
            wrong.append(f"{name_of(container)}: {policy}")
    if wrong:
        return failed("; ".join(wrong))
    return excepted(
        "unless-stopped, not on-failure:5: the stack comes back after a reboot without a hand, with a growing pause"
    )


@cis("5.19", "The default ulimit is overwritten at runtime if needed", severity=Severity.MEDIUM)
def ulimits(context: Context) -> Outcome:
    def problem(container: Container) -> str | None:
        missing = {"nofile", "nproc"} - {limit["Name"] for limit in container["HostConfig"].get("Ulimits") or []}
        return f"has no limit for {', '.join(sorted(missing))}" if missing else None

    return each(context, problem, "files and processes are limited")


@cis("5.27", "Container health is checked at runtime")
def health(context: Context) -> Outcome:
    def problem(container: Container) -> str | None:
        test = (container["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]
        if test[0] == "NONE":
            return "has no health check"
        status = (container["State"].get("Health") or {}).get("Status")
        return None if status == "healthy" or not container["State"]["Running"] else f"is {status}"

    return each(context, problem, "all are checked, and healthy")


@cis("5.28", "Docker commands make use of the latest version of their image", severity=Severity.MEDIUM)
def latest(context: Context) -> Outcome:
    wrong = [
        f"{name_of(c)} runs an image by tag, which can be moved"
        for c in context.running.containers
        if not str(c["Config"]["Image"]).startswith("sha256:") and "@sha256:" not in str(c["Config"]["Image"])
    ]
    return verdict(wrong, "by content digest: exactly the image that the last update built or pulled")


@cis("5.29", "The PIDs cgroup limit is used")
def pids(context: Context) -> Outcome:
    unlimited = [c for c in context.running.containers if (c["HostConfig"].get("PidsLimit") or 0) <= 0]
    if not unlimited:
        return passed("all limited")
    open_ = [
        name_of(c)
        for c in unlimited
        if not any(limit["Name"] == "nproc" for limit in c["HostConfig"].get("Ulimits") or [])
    ]
    if open_:
        return failed(f"{', '.join(open_)} can start processes without end")
    return excepted(
        "Pulumi's Docker provider has no PID limit; RLIMIT_NPROC of each container's own user limits them instead"
    )
