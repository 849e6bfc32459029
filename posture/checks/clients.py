"""The clients' keys: as declared, in use, not overdue, and the master key kept for the operator."""

# ruff: noqa: D103 - a check's title says what it does

from datetime import date, timedelta

from posture.context import Context
from posture.model import Outcome, Severity, check, failed, not_applicable, passed, verdict, warned
from posture.running import environment_of

VARIABLE = "GATEWAY_CLIENTS"
NIST = "NIST SP 800-57 part 1, 5.3"
NONE = not_applicable("the stack declares no clients")
ALONE = not_applicable("there is one LiteLLM container, which counts by itself")


@check(
    "clients.as-declared",
    "The clients that LiteLLM knows are the declared ones",
    source="docs/keys.md: A key for each client",
    fast=True,
)
def as_declared(context: Context) -> Outcome:
    declared = context.declared(context.replica).environment.get(VARIABLE)
    environment = environment_of(context.live(context.replica))
    if declared is None and VARIABLE not in environment:
        return NONE
    wrong = [f"{VARIABLE} differs from the state"] if environment.get(VARIABLE) != declared else []
    return verdict(wrong, f"{len(context.settings.clients)} clients, with the digests in the state")


@check(
    "clients.metrics",
    "The metrics are read with a key of their own, or not at all",
    severity=Severity.LOW,
    source="docs/monitoring.md",
    remediation="pulumi config set --stack {stack} metricsAddress 127.0.0.1, then make up STACK={stack}",
)
def metrics(context: Context) -> Outcome:
    settings = context.settings
    if not settings.metrics_port:
        return passed("no port serves them")
    if settings.metrics_address.is_loopback:
        return passed("they are read from this machine alone, with a key that opens nothing else")
    return warned(
        f"whoever has their key, and an address in allowedCidrs, reads at {settings.metrics_address} who uses how much"
    )


@check(
    "clients.expired",
    "No expired client is kept",
    severity=Severity.LOW,
    source="NIST SP 800-53, AC-2 (3): disable accounts",
    remediation="pulumi config rm --stack {stack} --path clients.NAME, then make up STACK={stack}",
)
def expired(context: Context) -> Outcome:
    clients = context.settings.clients
    if not clients:
        return NONE
    over = [name for name, client in clients.items() if client.end and client.end <= context.now]
    return warned(f"expired and refused: {', '.join(over)}") if over else passed("none of the clients has expired")


@check(
    "clients.key-age",
    "No client's key is overdue for rotation",
    severity=Severity.MEDIUM,
    source=NIST,
    remediation="make rotate STACK={stack} CLIENT=NAME",
)
def key_age(context: Context) -> Outcome:
    if not context.settings.clients:
        return NONE
    limit = context.settings.key_max_age_days
    made = {name: found.get("created") for name, found in context.declaration.clients.items()}
    old = {
        name: (context.now.date() - date.fromisoformat(day)) / timedelta(days=1) for name, day in made.items() if day
    }
    overdue = [f"{name} ({days:.0f} days)" for name, days in old.items() if days > limit]
    return (
        failed(f"older than keyMaxAgeDays ({limit}): {', '.join(overdue)}") if overdue else passed(f"at most {limit}")
    )


@check(
    "clients.used",
    "Each client is in use",
    severity=Severity.LOW,
    source="NIST SP 800-53, AC-2 (3): disable accounts",
    remediation="make usage STACK={stack}; pulumi config rm --stack {stack} --path clients.NAME",
)
def used(context: Context) -> Outcome:
    clients = context.settings.clients
    if not clients:
        return NONE
    logs = list(context.probe("logs").values())
    unused = [name for name in clients if not any(f'"client": "{name}"' in log for log in logs)]
    return warned(f"not in the last 5,000 lines of the log: {', '.join(unused)}") if unused else passed("all are")


@check(
    "clients.master-key",
    "Where clients have keys, the master key calls no models",
    severity=Severity.LOW,
    source="NIST SP 800-53, AC-6: least privilege",
    remediation="pulumi config set --stack {stack} masterKeyCallsModels false, then make up STACK={stack}",
)
def master_key(context: Context) -> Outcome:
    if not context.settings.clients:
        return NONE
    if context.settings.master_key_calls_models:
        return warned("the master key may call models too: who holds it is no client, and has no limits")
    return passed("masterKeyCallsModels is false")


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
