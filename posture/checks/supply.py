"""What runs was built from what is locked."""

# ruff: noqa: D103 - a check's title says what it does

import re
from importlib import metadata
from pathlib import Path

from posture.context import Context
from posture.model import Outcome, Severity, check, failed, not_applicable, passed, verdict, warned
from posture.running import name_of
from rules import model_ends, releases
from rules.layout import IMAGES, short

PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)(?:\s*;\s*([^\\\n]*))?", re.MULTILINE)
UPDATES_DAYS = 30
UNPACKED = {"pip", "setuptools", "wheel"}
"""What an image may have or lack besides the lock."""


def locked(lock: Path) -> tuple[dict[str, str], set[str]]:
    """Returns name and version of each requirement, and the names that only some platforms need."""
    found = {}
    some = set()
    for name, version, marker in PINNED.findall(lock.read_text()):
        normal = name.lower().replace("_", "-").replace(".", "-")
        found[normal] = version
        if marker.strip():
            some.add(normal)
    return found, some


@check(
    "supply.litellm",
    "The LiteLLM inside is above the floor and on no deny-list",
    source="LiteLLM's security advisories; rules/releases.py",
)
def litellm(context: Context) -> Outcome:
    version = context.inside.packages.get("litellm", "0.0.0")
    numbers = tuple(int(part) for part in re.findall(r"\d+", version))
    fault = releases.version_fault(numbers)
    return verdict([fault] if fault else [], f"LiteLLM {version}")


@check(
    "supply.models",
    "No model of the stack has ended, or ends within 90 days",
    severity=Severity.MEDIUM,
    source="Anthropic: Model deprecations, by LiteLLM's list; rules/model_ends.py",
    remediation="pulumi config set --stack {stack} --path 'models.NAME' MODEL, then make up STACK={stack}",
)
def models(context: Context) -> Outcome:
    names, today = context.settings.models.values(), context.now.date()
    if ended := model_ends.ended(names, today):
        return failed("; ".join(ended))
    ending = model_ends.sentences(names, today)
    return warned("; ".join(ending)) if ending else passed("none of them")


@check(
    "supply.packages",
    "The packages inside are the locked ones",
    source="pip: Secure installs; images/litellm/requirements.lock",
)
def packages(context: Context) -> Outcome:
    if context.settings.litellm_image:
        return not_applicable("litellmImage is a ready image, by digest; its packages are its maker's")
    wanted, some = locked(IMAGES / "litellm" / "requirements.lock")
    found = {name: version for name, version in context.inside.packages.items() if name not in UNPACKED}
    problems = [f"{name} is not locked" for name in sorted(set(found) - set(wanted))]
    problems += [f"{name} is missing" for name in sorted(set(wanted) - set(found) - some - UNPACKED)]
    problems += [
        f"{name} is {found[name]}, locked is {wanted[name]}"
        for name in sorted(found)
        if wanted.get(name, found[name]) != found[name]
    ]
    return verdict(problems, f"{len(found)} packages, name and version equal the lock")


@check(
    "supply.updates",
    f"The images took Debian's security updates within {UPDATES_DAYS} days",
    source="CIS Docker 4.4",
    severity=Severity.MEDIUM,
    remediation="make upgrade STACK={stack}",
)
def updates(context: Context) -> Outcome:
    found = context.probe("debian")
    if not found:
        return not_applicable("all images are ready ones, by digest; their packages are their makers'")
    problems, good = [], []
    for role, packages in found.items():
        days = sorted(packages.installed.values())
        if packages.updated is None:
            problems.append(f"the {role} image does not say when it took them")
        elif (age := (context.now.date() - packages.updated).days) > UPDATES_DAYS:
            problems.append(f"the {role} image took them {age} days ago")
        good.append(f"{role} on {packages.updated}, {len(days)} packages of {days[0]} to {days[-1]}")
    return verdict(problems, "; ".join(good))


@check("supply.images", "Each container runs the image that the state names", source="CIS Docker 4.2")
def images(context: Context) -> Outcome:
    wanted = {str(declared.inputs["image"]) for declared in context.declaration.containers.values()}
    problems = [
        f"{name_of(c)} runs an image that the state does not name"
        for c in context.running.containers
        if c["Image"] not in wanted
    ]
    return verdict(problems, ", ".join(sorted({short(image) for image in wanted})))


@check(
    "supply.toolchain", "What reads the stack was installed by hash", source="pip: Secure installs; requirements.lock"
)
def toolchain(context: Context) -> Outcome:
    lock = context.folder / "requirements.lock"
    if not lock.exists():
        return not_applicable("the project's folder has no requirements.lock")
    wanted, _ = locked(lock)
    problems = []
    for name, version in sorted(wanted.items()):
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        if found != version:
            problems.append(f"{name} is {found}, locked is {version}")
    return verdict(problems, f"{len(wanted)} packages equal the lock")
