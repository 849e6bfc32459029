"""The Claude credential: where it is, who can read it, how long it lasts. No call is made with it."""

# ruff: noqa: D103 - a check's title says what it does

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from posture.context import Context
from posture.model import Outcome, Severity, check, failed, not_applicable, passed, verdict, warned
from posture.running import environment_of
from rules.layout import CLAUDE_CONFIG_DIR
from rules.pulumi_types import VOLUME
from rules.setting_types import ClaudeAuth

PAGE = "security page: Authentication flow"
PRIVATE = (
    "{{docker}} exec CONTAINER, which the evidence names, chmod {mode} {path}; or, where the owner is another: "
    "{{docker}} stop CONTAINER, then make up STACK={{stack}}"
)
"""An update hands over the files of a volume that no healthy LiteLLM has mounted (ops/adopt.py)."""
APP = 10001
"""LiteLLM's user and group."""

ROOM = 64 * 1024
"""Bytes that a login file and its next version need, with plenty to spare."""


@check("login.volume", "The volume of the Claude login exists and is mounted in LiteLLM", source=PAGE, fast=True)
def volume(context: Context) -> Outcome:
    name = context.declaration.volume
    if context.running.volume is None:
        return failed(f"the volume {name} does not exist")
    mounted = {m["Destination"]: m.get("Name") for m in context.live(context.replica)["Mounts"]}
    if mounted.get(CLAUDE_CONFIG_DIR) != name:
        return failed(f"{CLAUDE_CONFIG_DIR} is not the volume {name}")
    return passed(f"{name} at {CLAUDE_CONFIG_DIR}")


@check(
    "login.volume-shared",
    "No other container mounts the login's volume",
    source=PAGE,
    remediation="{remove_other} that the evidence names",
)
def shared(context: Context) -> Outcome:
    name = context.declaration.volume
    lines = context.engine.run(
        "ps", "--all", "--no-trunc", "--filter", f"volume={name}", "--format", "{{.ID}} {{.Names}}"
    )
    own = {context.declared(name).id for name in context.declaration.replicas}
    mounting = dict(line.split() for line in lines.splitlines())
    others = [name for identifier, name in mounting.items() if identifier not in own]
    return verdict([f"{other} mounts {name} too" for other in others], "LiteLLM alone")


@check(
    "login.volume-mode",
    "The login's folder belongs to LiteLLM's user, and to nobody else",
    source="Claude Code: Authentication (credentials are mode 0600)",
    remediation=PRIVATE.format(mode=700, path=CLAUDE_CONFIG_DIR),
    fast=True,
)
def mode(context: Context) -> Outcome:
    found = context.inside.volume
    if "error" in found:
        return failed(f"{CLAUDE_CONFIG_DIR}: {found['error']}")
    return _private(context, found, "get in")


@check(
    "login.file-mode",
    "The login itself can be read by LiteLLM's user alone",
    source="Claude Code: Authentication (credentials are mode 0600)",
    remediation=PRIVATE.format(mode=600, path=f"{CLAUDE_CONFIG_DIR}/.credentials.json"),
    fast=True,
)
def file_mode(context: Context) -> Outcome:
    found = context.inside.login
    if found is None:
        return not_applicable("there is no login in the volume")
    return _private(context, found, "can read it")


def _private(context: Context, found: Mapping[str, Any], others: str) -> Outcome:
    """Whether it is for LiteLLM's user alone; ``others`` is what all else can do if not."""
    owner, mode = found.get("uid"), found.get("mode", 0)
    problems = [] if owner == APP else [f"its owner is {owner}, not {APP}"]
    problems += [f"its mode is {mode:04o}, others {others}"] if mode & 0o077 else []
    container = context.declared(context.replica).name
    return verdict([f"in {container} {problem}" for problem in problems], f"owner {owner}, mode {mode:04o}")


@check(
    "login.protected",
    "No update and no `destroy` can delete the login",
    source="design: the volume outlives the stack",
    severity=Severity.MEDIUM,
)
def protected(context: Context) -> Outcome:
    resources = json.loads(context.declaration.exported)["deployment"]["resources"]
    volumes = [r for r in resources if r["type"] == VOLUME]
    found = next(r for r in volumes if r["inputs"]["name"] == context.declaration.volume)
    problems = [] if found.get("retainOnDelete") else ["retainOnDelete is not set on the volume"]
    if context.settings.production and not found.get("protect"):
        problems.append("the volume is not protected in the state")
    return verdict(problems, "retained on delete" + (" and protected" if found.get("protect") else ""))


@check(
    "login.present",
    "There is a Claude credential, and it lasts another 7 days",
    source=PAGE,
    severity=Severity.MEDIUM,
    remediation="make login STACK={stack}",
)
def present(context: Context) -> Outcome:
    if context.settings.claude_auth is not ClaudeAuth.LOGIN:
        return passed(f"{context.settings.claude_auth.value}: a secret of the stack, not a login")
    if context.inside.volume.get("free", ROOM) < ROOM:
        return failed("no room is left in the login's volume, so that a renewed login is lost: free some on its disk")
    found = context.inside.login
    if found is None:
        return warned("nobody has logged in yet: requests will fail until then")
    if "error" in found or not found["allowed"]:
        unscoped = "may not ask: its scopes lack user:inference"
        fault = f"cannot be read ({found['error']})" if "error" in found else unscoped
        return failed(f"the login {fault}")
    end = datetime.fromtimestamp(found["expires"], UTC)
    if found["refreshable"]:
        return passed(f"renews itself; the current token runs until {end:%Y-%m-%d %H:%M} UTC")
    text = f"runs out on {end:%Y-%m-%d %H:%M} UTC and does not renew itself"
    return passed(text) if end - context.now > timedelta(days=7) else failed(text)


@check(
    "login.separate",
    "The Claude credential and the master key have nothing in common",
    source=f"{PAGE}: the two are separate",
    fast=True,
)
def separate(context: Context) -> Outcome:
    environment = environment_of(context.live(context.replica))
    keys = {environment.get("LITELLM_MASTER_KEY"), environment.get("LITELLM_PREVIOUS_MASTER_KEY")} - {None, ""}
    given = [name for name in ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN") if environment.get(name)]
    problems = [f"{name} is the master key" for name in given if environment[name] in keys]
    digests = {hashlib.sha256(str(key).encode()).hexdigest() for key in keys}
    if digests & set((context.inside.login or {}).get("digests", [])):
        problems.append("the login's token is the master key")
    if len(given) > 1 or (given and context.settings.claude_auth is ClaudeAuth.LOGIN):
        problems.append(
            f"{' and '.join(given)} beside {context.settings.claude_auth.value}: an API key silently beats a login"
        )
    return verdict(problems, f"{context.settings.claude_auth.value} alone, and another value than the key")
