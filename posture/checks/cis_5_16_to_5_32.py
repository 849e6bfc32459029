"""CIS Docker Benchmark v1.6.0, items 5.16 to 5.32: namespaces, devices, rights, health and images."""

# ruff: noqa: D103 - a check's title says what it does

from collections.abc import Callable

from posture.cis import Container, cis, each, engine_has, host, options
from posture.context import Context
from posture.inside import Process
from posture.model import Outcome, Severity, excepted, failed, passed, verdict
from posture.running import limits_processes, name_of

SENSITIVE = {"rshared", "shared"}


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


@cis("5.19", "The default ulimit is overwritten at runtime if needed", severity=Severity.MEDIUM)
def ulimits(context: Context) -> Outcome:
    def problem(container: Container) -> str | None:
        missing = {"nofile", "nproc"} - {limit["Name"] for limit in container["HostConfig"].get("Ulimits") or []}
        return f"has no limit for {', '.join(sorted(missing))}" if missing else None

    return each(context, problem, "files and processes are limited")


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
    if engine_has(context, "seccomp,profile=unconfined"):
        return failed("the engine's own profile is switched off (seccomp-profile in its daemon.json)")
    return each(
        context,
        lambda c: "seccomp is switched off" if any(o.startswith("seccomp=unconfined") for o in options(c)) else None,
        "the engine's default profile",
    )


def _processes(context: Context, wrong: Callable[[Process], bool], problem: str, said: str) -> Outcome:
    found = [
        f"{name}: {process.command} {problem}"
        for name, processes in context.probe("processes").items()
        for process in processes
        if wrong(process)
    ]
    return verdict(found, f"no process in a container {said}, however it was started")


@cis("5.23", "docker exec is not used with --privileged", fast=False)
def exec_privileged(context: Context) -> Outcome:
    return _processes(context, lambda p: bool(p.capabilities), "has capabilities", "has a capability")


@cis("5.24", "docker exec is not used with --user=root", fast=False)
def exec_root(context: Context) -> Outcome:
    return _processes(context, lambda p: p.uid == 0, "runs as root", "runs as root")


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
    unlimited = [c for c in context.running.containers if not limits_processes(c)]
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
