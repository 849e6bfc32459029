"""The words of a report: what a check is, what it found, and the registry of all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from posture.risks import RISKS

if TYPE_CHECKING:
    from posture.context import Context


class Severity(StrEnum):
    """How bad a failure is: only ``HIGH`` makes the command fail."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Status(StrEnum):
    """What came of a check; ``EXCEPTION`` is a deviation with its reason, ``SKIPPED`` was left out by a person."""

    PASS = "pass"  # noqa: S105 - a word, not a password
    FAIL = "fail"
    WARN = "warn"
    NOT_APPLICABLE = "not-applicable"
    EXCEPTION = "exception"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """A status and its evidence: one sentence that holds names, numbers and digests, never a secret."""

    status: Status
    evidence: str


def passed(evidence: str) -> Outcome:
    """It holds."""
    return Outcome(Status.PASS, evidence)


def failed(evidence: str) -> Outcome:
    """It does not hold, or could not be shown."""
    return Outcome(Status.FAIL, evidence)


def warned(evidence: str) -> Outcome:
    """Something to look at that is not a failure."""
    return Outcome(Status.WARN, evidence)


def not_applicable(reason: str) -> Outcome:
    """The rule has no object here."""
    return Outcome(Status.NOT_APPLICABLE, reason)


def excepted(reason: str) -> Outcome:
    """A deviation from the rule that this project has decided on."""
    return Outcome(Status.EXCEPTION, reason)


def verdict(problems: list[str], evidence: str) -> Outcome:
    """Failed with ``problems`` when there are any, else passed with ``evidence``."""
    return failed("; ".join(problems)) if problems else passed(evidence)


Function = Callable[["Context"], Outcome]


@dataclass(frozen=True)
class Check:
    """One rule. ``remediation`` is the command that fixes a failure, with ``Context.words`` in braces."""

    id: str
    title: str
    severity: Severity
    source: str
    remediation: str
    run: Function
    fast: bool

    @property
    def group(self) -> str:
        """The first part of the id."""
        return self.id.partition(".")[0]

    @property
    def risk(self) -> str:
        """Why it matters."""
        return RISKS.get(self.id, "")

    def told(self, words: Mapping[str, str]) -> "Check":
        """Returns the check as one stack's operator reads it."""
        return replace(self, remediation=self.remediation.format_map(words))


@dataclass(frozen=True)
class Finding:
    """What came of one check in one run."""

    check: Check
    status: Status
    evidence: str

    @property
    def fatal(self) -> bool:
        """Whether the stack must not be called secure."""
        return self.status is Status.FAIL and self.check.severity is Severity.HIGH


REGISTRY: dict[str, Check] = {}
UP = "make up STACK={stack}"
REPLACE = "{remove}, which the evidence names, then make up STACK={stack} makes it anew"


def check(
    id: str,  # noqa: A002 - the word that reports use
    title: str,
    *,
    source: str,
    severity: Severity = Severity.HIGH,
    remediation: str = UP,
    fast: bool = False,
) -> Callable[[Function], Function]:
    """Registers a function as a check. ``fast`` ones also run inside ``pulumi up``."""

    def register(function: Function) -> Function:
        if id in REGISTRY:
            raise ValueError(f"two checks are called {id}")
        REGISTRY[id] = Check(id, title, severity, source, remediation, function, fast)
        return function

    return register
