"""The master key: the right one, strong, not overdue, and in no log."""

# ruff: noqa: D103 - a check's title says what it does

from datetime import date, datetime, timedelta

from posture.context import Context
from posture.model import Outcome, Severity, check, failed, not_applicable, passed, verdict, warned
from posture.redaction import forms_of_all
from posture.running import environment_of
from rules import keys
from rules.settings import Settings

PAGE = "security page"
GENERATE = (
    "printf 'sk-%s' \"$(openssl rand -hex 32)\" | pulumi config set --secret masterKey --stack {stack}; "
    "make up STACK={stack}"
)


def _exposed(settings: Settings) -> bool:
    return settings.production or not settings.loopback_only


def _running_key(context: Context, name: str = "LITELLM_MASTER_KEY") -> str | None:
    return environment_of(context.live(context.replica)).get(name)


@check(
    "key.custom",
    "The well-known development key is used in development alone",
    source=f"{PAGE}: Production",
    remediation=GENERATE,
    fast=True,
)
def custom(context: Context) -> Outcome:
    key = _running_key(context)
    if key not in keys.WELL_KNOWN:
        return passed("the running key is one of the stack's own")
    if _exposed(context.settings):
        return failed("the running key stands in public documentation")
    return warned("the development key, on loopback of a development stack; whoever has this machine may call")


@check(
    "key.form",
    "The key starts with sk- and fits into a header",
    source=f"{PAGE}: API keys",
    remediation=GENERATE,
    fast=True,
)
def form(context: Context) -> Outcome:
    fault = keys.form_fault(_running_key(context) or "")
    return failed(f"the running key {fault}") if fault else passed("sk- and printable characters")


@check(
    "key.strength",
    "The key holds at least 32 random bytes",
    source=f"{PAGE}: Use strong keys",
    remediation=GENERATE,
    fast=True,
)
def strength(context: Context) -> Outcome:
    fault = keys.strength_fault(_running_key(context) or "")
    if fault and not _exposed(context.settings):
        return warned(f"the running key {fault}; enough for loopback of a development stack")
    return failed(f"the running key {fault}") if fault else passed("64 hexadecimal digits or as much")


@check(
    "key.as-declared",
    "The running keys are the declared ones",
    source=f"{PAGE}: Checking current configuration",
    fast=True,
)
def as_declared(context: Context) -> Outcome:
    declared = context.declared(context.replica).environment
    names = ("LITELLM_MASTER_KEY", "LITELLM_PREVIOUS_MASTER_KEY")
    wrong = [f"{name} differs from the state" for name in names if _running_key(context, name) != declared.get(name)]
    return verdict(wrong, "their digests equal those in the state")


@check(
    "key.age",
    "The key is not overdue for rotation",
    source=f"{PAGE}: Rotate keys regularly; NIST SP 800-57 part 1, 5.3",
    severity=Severity.MEDIUM,
    remediation="make rotate STACK={stack}",
)
def age(context: Context) -> Outcome:
    settings = context.settings
    created = context.declaration.key_created
    if created is None:
        if not _exposed(settings):
            return not_applicable("a development key on loopback has no age")
        return warned("nobody knows when the configured key was made: set keyRotation to that date")
    days = (context.now.date() - date.fromisoformat(created)) / timedelta(days=1)
    text = f"made on {created}, {days:.0f} days ago; keyMaxAgeDays is {settings.key_max_age_days}"
    return passed(text) if days <= settings.key_max_age_days else failed(text)


@check(
    "key.previous",
    "No key is accepted past its expiry",
    source="docs/operating.md: The master key",
    remediation="make retire STACK={stack}",
)
def previous(context: Context) -> Outcome:
    status = context.inside.keys.get("previous")
    expires = context.declared(context.replica).environment.get("LITELLM_PREVIOUS_KEY_EXPIRES")
    if status is None:
        return not_applicable("no rotation is under way")
    if expires is None:
        return failed("a previous key is accepted without an end")
    over = datetime.fromisoformat(expires) <= context.now
    if over and status != 401:
        return failed(f"the previous key expired at {expires}, but LiteLLM answers it with {status}")
    if over:
        return warned(f"the previous key expired at {expires} and is refused; the rotation can be ended")
    return passed(f"accepted until {expires}")


@check(
    "key.start-up-log", "No WARNING about the key in the start-up log", source=f"{PAGE}: Check startup logs", fast=True
)
def start_up_log(context: Context) -> Outcome:
    lines = [line for log in context.probe("logs").values() for line in log.splitlines()]
    if not any(line.startswith("WARNING: the master key") for line in lines):
        return passed("none")
    if _exposed(context.settings):
        return failed("LiteLLM's log warns of its master key")
    return warned("LiteLLM warns of the development key, as it should here")


@check(
    "key.not-in-logs",
    "No secret stands in a container's log",
    source="OWASP Logging Cheat Sheet: data to exclude",
    remediation="make rotate STACK={stack}: a key that was logged is no secret any more",
    fast=True,
)
def not_in_logs(context: Context) -> Outcome:
    wanted = [form.decode() for form in forms_of_all(context.declaration.secrets)]
    logs = context.probe("logs")
    leaks = [f"{name} has logged a secret" for name, log in logs.items() if any(text in log for text in wanted)]
    return verdict(leaks, f"none of the stack's secrets in the last 5,000 lines of {len(logs)} containers")


@check(
    "key.not-in-command",
    "No secret stands in a container's command line, labels or health check",
    source="CIS Docker 4.10 (no secrets outside of the environment)",
)
def not_in_command(context: Context) -> Outcome:
    wanted = [form.decode() for form in forms_of_all(context.declaration.secrets)]
    found = []
    for container in context.running.containers:
        config = container["Config"]
        places = [config.get("Cmd"), config.get("Entrypoint"), config.get("Labels"), config.get("Healthcheck")]
        text = str([*places, container["Args"]])
        found += [f"{container['Name'][1:]} holds a secret in the clear" for secret in wanted if secret in text]
    return verdict(sorted(set(found)), "environment variables alone hold secrets")
