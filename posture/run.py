"""From a stack's name to a report."""

import os
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import posture.checks  # noqa: F401 - fills the registry
from posture import declaration
from posture import services_judged as services
from posture.context import FAST_PROBES, PROBES, Context
from posture.engine import ElsewhereError, EngineError
from posture.model import REGISTRY, Check, Finding, Outcome, Status, failed, not_applicable
from posture.redaction import Redactor, one_line
from posture.services_context import ServicesContext
from rules.setting_types import Orchestrator

NEEDS = {"fast": FAST_PROBES, "all": list(PROBES)}


@dataclass(frozen=True)
class Report:
    """All findings of one run; what it holds has gone through the redactor."""

    stack: str
    findings: tuple[Finding, ...]
    seconds: float
    scope: str = ""
    """What of the stack was looked into, if that was not all of it."""

    @property
    def secure(self) -> bool:
        """Whether nothing of severity high failed."""
        return not any(finding.fatal for finding in self.findings)

    def count(self, status: Status) -> int:
        """How many findings have that status."""
        return sum(finding.status is status for finding in self.findings)

    @property
    def score(self) -> int:
        """How many of the checks that could fail did pass, in percent; exceptions pass, warnings count half."""
        good = self.count(Status.PASS) + self.count(Status.EXCEPTION) + self.count(Status.WARN) / 2
        judged = good + self.count(Status.WARN) / 2 + self.count(Status.FAIL)
        return int(100 * good / judged) if judged else 0


def verify(
    stack: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *,
    only: Collection[str] = (),
    skip: Mapping[str, str] | None = None,
) -> Report:
    """Checks the running stack against its declaration.

    Raises:
        DeclarationError: when the declaration cannot be read.
        EngineError: when the engine cannot be asked.
    """
    started = time.monotonic()
    environment = environment or os.environ
    declared = declaration.read(stack, folder, environment)
    kind = ServicesContext if declared.settings.orchestrator is Orchestrator.SWARM else Context
    context = kind(declared, folder, environment)
    return examine(context, list(REGISTRY.values()), only=only, skip=skip or {}, started=started)


def judged(check: Check, context: Context) -> Outcome:
    """Runs the check; one that asks LiteLLM's container asks each, and the worst outcome says whose it is."""
    outcomes = {}
    for replica in context.declaration.replicas:
        context.turn_to(replica)
        if isinstance(context, ServicesContext):
            outcomes[replica] = services.run(check, context)
        else:
            outcomes[replica] = check.run(context)
        if not context.replica_asked:
            break
    for status in (Status.FAIL, Status.WARN):
        if len(outcomes) > 1 and (bad := {name: one for name, one in outcomes.items() if one.status is status}):
            return Outcome(status, "; ".join(f"{name}: {one.evidence}" for name, one in bad.items()))
    return next(iter(outcomes.values()))


def examine(
    context: Context,
    checks: list[Check],
    *,
    only: Collection[str] = (),
    skip: Mapping[str, str] | None = None,
    started: float | None = None,
) -> Report:
    """Runs ``checks``; ``only`` holds ids or groups, ``skip`` a reason by id."""
    started = time.monotonic() if started is None else started
    redact = Redactor(context.declaration.secrets)
    chosen = [check.told(context.words) for check in checks if not only or check.id in only or check.group in only]
    if not only:
        context.warm(NEEDS["all" if context.declaration.complete else "fast"])
    findings = []
    for check in chosen:
        if check.id in (skip or {}):
            findings.append(Finding(check, Status.SKIPPED, one_line(redact((skip or {})[check.id]))))
            continue
        try:
            outcome = judged(check, context)
        except ElsewhereError as error:
            outcome = not_applicable(str(error))
        except EngineError as error:
            outcome = failed(f"could not be checked: {error}")
        except Exception as error:  # noqa: BLE001 - a check that breaks must not look as if it had passed
            outcome = failed(f"could not be checked: {type(error).__name__}: {error}")
        findings.append(Finding(check, outcome.status, one_line(redact(outcome.evidence))))
    scope = one_line(redact(context.scope)) if chosen else ""
    return Report(context.declaration.stack, tuple(findings), time.monotonic() - started, scope)
