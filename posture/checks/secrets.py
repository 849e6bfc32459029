"""Secrets at rest: none in the clear in the state or in the stack's file."""

# ruff: noqa: D103 - a check's title says what it does

from collections.abc import Iterator
from pathlib import Path

from posture.context import Context
from posture.model import Outcome, check, passed, verdict
from posture.redaction import forms_of_all
from rules.configuration import SECRETS
from rules.layout import PROJECT
from rules.state_file import folder_of, unpacked
from rules.yaml_file import parsed

PAGE = "security page: Never commit secrets"
ROTATE = "make rotate STACK={stack}: a secret that lay in the clear is none any more"


def _state_files(context: Context) -> Iterator[Path]:
    stack = context.declaration.stack
    if root := folder_of(context.environment.get("PULUMI_BACKEND_URL", "")):
        yield from (path for path in root.rglob("*") if path.is_file() and stack in str(path.relative_to(root)))


def _content(path: Path) -> bytes:
    """What is in a file of the state, unpacked; nothing in one that an update has just removed."""
    try:
        return unpacked(path.read_bytes())
    except FileNotFoundError:
        return b""


@check(
    "secrets.state",
    "The state holds no secret in the clear, its backups and history neither",
    source=f"{PAGE}; pulumi-random: ids of RandomBytes",
    remediation=ROTATE,
)
def state(context: Context) -> Outcome:
    wanted = forms_of_all(context.declaration.secrets)
    places = {"the exported state": context.declaration.exported.encode()}
    places |= {str(path): _content(path) for path in _state_files(context)}
    leaks = [
        f"{name} holds a secret in the clear" for name, data in places.items() if any(text in data for text in wanted)
    ]
    return verdict(leaks, f"none in {len(places)} places: raw, hex, base64 or url-safe base64")


@check(
    "secrets.stack-file", "The stack's file holds no secret in the clear", source=PAGE, remediation=ROTATE, fast=True
)
def stack_file(context: Context) -> Outcome:
    path = context.folder / f"Pulumi.{context.declaration.stack}.yaml"
    if not path.exists():
        return passed("the stack has no file here")
    text = path.read_bytes()
    wanted = forms_of_all(context.declaration.secrets)
    problems = [f"{path.name} holds a secret in the clear"] if any(form in text for form in wanted) else []
    config = parsed(text, path.name).get("config") or {}
    given = {str(name).removeprefix(f"{PROJECT}:"): value for name, value in config.items()}  # or by its bare name
    naked = [name for name in sorted(SECRETS) if isinstance(given.get(name), str) and given[name]]
    return verdict([*problems, *(f"{name} was set without --secret" for name in naked)], path.name)
