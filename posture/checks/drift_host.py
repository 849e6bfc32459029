"""What an engine says of a container's host side is what was declared: rights, limits, logging, ports."""

# ruff: noqa: D103 - a check's title says what it does

from collections.abc import Mapping
from typing import Any

from posture.checks.drift import Container, compare
from posture.context import Context
from posture.declaration import DeclaredContainer
from posture.model import REPLACE, Outcome, Status, check, warned
from posture.running import name_of
from rules.processors import BILLIONTHS
from rules.sizes import MIB

WRITES_VARIABLES = {"env", "env-regex"}
VARIABLES = ".ContainerEnv"
"""What a log option ``tag`` may name."""
HIDDEN = ("MaskedPaths", "ReadonlyPaths")
"""What an engine keeps from every container of /proc and /sys; systempaths=unconfined leaves no other trace."""
# What this project never sets, and what an engine then says of it.
UNSET: dict[str, tuple[Any, ...]] = {
    "Privileged": (False,),
    "PublishAllPorts": (False,),
    "Devices": (None, []),
    "DeviceRequests": (None, []),
    "DeviceCgroupRules": (None, []),
    "GroupAdd": (None, []),
    "PidMode": ("",),
    "UTSMode": ("",),
    "UsernsMode": ("",),
    "CgroupParent": ("",),
    "Sysctls": (None, {}),
    "ExtraHosts": (None, []),
    "Links": (None, []),
    "VolumesFrom": (None, []),
    "OomKillDisable": (None, False),
    "AutoRemove": (False,),
}


@check(
    "drift.privileges",
    "Capabilities, namespaces and devices are the declared ones",
    source="pulumi-docker: Container",
    remediation=REPLACE,
)
def privileges(context: Context) -> Outcome:
    def problems(declared: DeclaredContainer, container: Container) -> list[str]:
        host, inputs = container["HostConfig"], declared.inputs
        wanted = inputs.get("capabilities") or {}
        texts = [] if (host.get("CapAdd") or []) == (wanted.get("adds") or []) else ["capabilities were added"]
        texts += [] if (host.get("CapDrop") or []) == (wanted.get("drops") or []) else ["dropped capabilities differ"]
        texts += (
            [] if (host.get("SecurityOpt") or []) == (inputs.get("securityOpts") or []) else ["security options differ"]
        )
        texts += [] if host.get("IpcMode") == inputs.get("ipcMode") else [f"ipc mode is {host.get('IpcMode')}"]
        texts += [] if sorted(host.get("Dns") or []) == sorted(inputs.get("dns") or []) else ["resolvers differ"]
        texts += [f"{name} are none" for name in HIDDEN if not host.get(name, HIDDEN)]
        return [*texts, *(f"{name} is set" for name, values in UNSET.items() if host.get(name) not in values)]

    return compare(context, problems, "as declared")


@check(
    "drift.limits",
    "Limits, restart policy and logging are the declared ones",
    source="pulumi-docker: Container",
    remediation="pulumi refresh --stack {stack}; make up STACK={stack}",
)
def limits(context: Context) -> Outcome:
    swap_counts = context.running.engine.get("SwapLimit", True)

    def problems(declared: DeclaredContainer, container: Container) -> list[str]:
        host, inputs = container["HostConfig"], declared.inputs
        wanted = {
            "Memory": inputs["memory"] * MIB,
            **({"MemorySwap": inputs["memorySwap"] * MIB} if swap_counts else {}),
            "NanoCpus": round(float(inputs["cpus"]) * BILLIONTHS),
        }
        texts = [
            f"{name} is {host[name]}, declared is {value:.0f}" for name, value in wanted.items() if host[name] != value
        ]
        policy = host["RestartPolicy"]["Name"]
        texts += [] if policy == inputs["restart"] else [f"restart policy is {policy}"]
        found = {(limit["Name"], limit["Soft"], limit["Hard"]) for limit in host.get("Ulimits") or []}
        ulimits = {(limit["name"], limit["soft"], limit["hard"]) for limit in inputs.get("ulimits") or []}
        texts += [] if ulimits <= found else ["ulimits differ"]  # an engine's default-ulimits show besides
        return [*texts, *_logging(host["LogConfig"], inputs)]

    found = compare(context, problems, "as declared")
    if found.status is Status.PASS and not swap_counts:
        return warned("as declared, but for swap, which the engine's kernel does not count: boot it with swapaccount=1")
    return found


def _logging(log: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[str]:
    """An engine adds its own ``log-opts`` where the driver is its default; they may not write what is secret."""
    options, wanted = log.get("Config") or {}, inputs.get("logOpts") or {}
    same = log["Type"] == inputs["logDriver"] and {name: options.get(name) for name in wanted} == wanted
    telling = [name for name, value in options.items() if name in WRITES_VARIABLES or VARIABLES in str(value)]
    return [
        *([] if same else ["logging differs"]),
        *(f"the log option {name} writes variables beside each line" for name in sorted(set(telling) - set(wanted))),
    ]


@check("drift.ports", "Published ports are the declared ones", source="pulumi-docker: Container", remediation=REPLACE)
def ports(context: Context) -> Outcome:
    found = context.running.published()

    def problems(declared: DeclaredContainer, container: Container) -> list[str]:
        differ = found.get(name_of(container), set()) != declared.ports
        return ["published ports differ"] if differ else []

    return compare(context, problems, "as declared")
