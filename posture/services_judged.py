"""What checks say of services where they say it of containers in another way, or not at all, and why."""

# ruff: noqa: D103 - the check's own title says what it does

from collections.abc import Callable

from posture.checks.clients import ALONE
from posture.cis import engine_has
from posture.model import Check, Outcome, excepted, failed, not_applicable, passed, warned
from posture.running import limits_processes, name_of
from posture.services_context import ServicesContext

NO_LOGIN = "a stack on a Swarm has no Claude login, which would belong to one host: it has a token or an API key"
REASONS = {
    "login.volume": NO_LOGIN,
    "login.volume-shared": NO_LOGIN,
    "login.volume-mode": NO_LOGIN,
    "login.file-mode": NO_LOGIN,
    "login.protected": NO_LOGIN,
    "login.present": NO_LOGIN,
    "network.outsider": "no container but the services' tasks can join the Swarm's networks, which are not attachable",
    "network.acme-closed": "no stack on a Swarm gets its certificate by ACME",
    "https.acme": "no stack on a Swarm gets its certificate by ACME",
}
"""By a check's id: why it has no object where services run."""


def swarm_mode(_: ServicesContext) -> Outcome:
    return passed("it is needed: the stack is a Swarm's")


def restart(context: ServicesContext) -> Outcome:
    return excepted(
        f"any: a Swarm keeps {len(context.declaration.containers)} services there, with a pause of a second"
    )


def _ulimits(context: ServicesContext) -> list[str]:
    """Which tasks of this node have no limit of processes; an engine's default-ulimits show in its containers."""
    return [
        name_of(one)
        for one in context.tasks_here()
        if not any(limit["Name"] == "nproc" for limit in one["HostConfig"].get("Ulimits") or [])
        and not limits_processes(one)
    ]


def processes(context: ServicesContext) -> Outcome:
    if not _ulimits(context):
        return passed("each task of this node has a limit, from its engine's default-ulimits")
    return warned(
        'Pulumi\'s provider has no limit of processes for services: set "default-ulimits" (nproc) in the daemon.json '
        "of each node. Memory is limited, which ends a fork bomb, too"
    )


def privileges(context: ServicesContext) -> Outcome:
    """Docker 20.10 does not tell what its daemon.json says of it: its processes do."""
    known = [process.no_new_privileges for found in context.probe("processes").values() for process in found]
    if engine_has(context, "no-new-privileges") or (known and all(known)):
        return passed("this node's engine gives it to all; each node has to (docs/scaling.md), a manager does not tell")
    return warned(
        'a service cannot ask for it: set "no-new-privileges": true in the daemon.json of each node. '
        "All capabilities are dropped, and no user is root"
    )


def limits_shared(context: ServicesContext) -> Outcome:
    if context.settings.replicas == 1:
        return ALONE
    if context.inside.limits == "of all replicas":
        return passed("they are counted in Valkey")
    return failed("Valkey cannot be reached: limits hold for each replica alone")


def metrics(context: ServicesContext) -> Outcome:
    if not context.settings.metrics_port:
        return passed("no port serves them")
    return warned("whoever has their key, and an address in allowedCidrs, reads at any node who uses how much")


INSTEAD: dict[str, Callable[[ServicesContext], Outcome]] = {
    "cis.5.1": swarm_mode,
    "cis.5.15": restart,
    "cis.5.19": processes,
    "cis.5.26": privileges,
    "cis.5.29": processes,
    "clients.limits-shared": limits_shared,
    "clients.metrics": metrics,
}
"""By a check's id: what is asked of services instead."""


def run(check: Check, context: ServicesContext) -> Outcome:
    """Runs a check on a stack of services."""
    if reason := REASONS.get(check.id):
        return not_applicable(reason)
    return INSTEAD[check.id](context) if check.id in INSTEAD else check.run(context)
