"""How an item of the CIS Docker Benchmark v1.6.0 becomes a check of every container of the stack."""

from collections.abc import Callable, Mapping
from typing import Any

from posture.context import Context
from posture.model import REPLACE, Function, Outcome, Severity, check, verdict
from posture.running import name_of

Container = Mapping[str, Any]
SOURCE = "CIS Docker Benchmark v1.6.0, {}"


def each(context: Context, problem: Callable[[Container], str | None], evidence: str) -> Outcome:
    """Fails with the name of each container for which ``problem`` has words."""
    found = [f"{name_of(c)}: {words}" for c in context.running.containers if (words := problem(c))]
    return verdict(found, f"{evidence} ({len(context.running.containers)} containers)")


def cis(
    item: str, title: str, *, fast: bool = True, severity: Severity = Severity.HIGH
) -> Callable[[Function], Function]:
    """Registers an item of the benchmark."""
    return check(f"cis.{item}", title, source=SOURCE.format(item), severity=severity, remediation=REPLACE, fast=fast)


def host(item: str, title: str, problem: Callable[[Mapping[str, Any]], str | None], evidence: str) -> None:
    """Registers an item that each container's HostConfig decides."""
    cis(item, title)(lambda context: each(context, lambda c: problem(c["HostConfig"]), evidence))


def engine_has(context: Context, name: str) -> bool:
    """Whether the engine runs with a security option such as ``apparmor``."""
    return any(f"name={name}" in option for option in context.running.engine.get("SecurityOptions") or [])


def options(container: Container) -> list[str]:
    """A container's security options as ``name=value``; engines also know ``name:value``."""
    return [str(option).replace(":", "=", 1) for option in container["HostConfig"].get("SecurityOpt") or []]
