"""Settings with which a stack protects less than it could."""

# ruff: noqa: D103 - a check's title says what it does

from posture.context import Context
from posture.model import Outcome, Severity, check, passed, warned


@check(
    "settings.verify-on-update",
    "Every update is checked",
    source="Pulumi.yaml: verifyOnUpdate",
    severity=Severity.MEDIUM,
    remediation="pulumi config set verifyOnUpdate true --stack {stack}; make up STACK={stack}",
    fast=True,
)
def verify_on_update(context: Context) -> Outcome:
    if context.settings.verify_on_update:
        return passed("verifyOnUpdate is true")
    return warned("verifyOnUpdate is false: an update can leave an insecure stack unnoticed")


@check(
    "settings.log-level",
    "Requests are not logged whole",
    source="OWASP Logging Cheat Sheet: data to exclude (LiteLLM: DEBUG logs requests)",
    remediation="pulumi config set logLevel INFO --stack {stack}; make up STACK={stack}",
    fast=True,
)
def log_level(context: Context) -> Outcome:
    level = context.settings.log_level.value
    return warned("logLevel is DEBUG: prompts stand in the log") if level == "DEBUG" else passed(level)
