"""What several LiteLLM containers have together."""

# ruff: noqa: D103 - a check's title says what it does

from posture.checks.network import not_closed
from posture.context import Context
from posture.model import Outcome, Severity, check, failed, not_applicable, passed, verdict
from posture.running import name_of

ALONE = not_applicable("there is one LiteLLM container, which counts by itself")


@check(
    "network.limits-closed",
    "Valkey, where replicas count together, is reached by LiteLLM alone",
    source="design: networks",
    fast=True,
)
def limits_closed(context: Context) -> Outcome:
    declared = context.declaration.networks.get("limits")
    if declared is None:
        return ALONE
    known = {context.declared(name).id for name in ("valkey", *context.declaration.replicas)}
    problems = not_closed(context, "valkey", "limits") + [
        f"{name_of(c)} is on {declared['name']}"
        for c in context.running.containers
        if declared["name"] in c["NetworkSettings"]["Networks"] and c["Id"] not in known
    ]
    return verdict(problems, f"on {declared['name']} with LiteLLM, internal and without the host")


@check(
    "clients.limits-shared",
    "Limits hold for all replicas together",
    severity=Severity.MEDIUM,
    source="docs/scaling.md",
    remediation="make up STACK={stack}; if it stays so: make logs STACK={stack}",
)
def limits_shared(context: Context) -> Outcome:
    if len(context.declaration.replicas) == 1:
        return ALONE
    if context.inside.limits == "of all replicas":
        return passed("they are counted in Valkey")
    return failed("Valkey cannot be reached: limits hold for this replica alone")
