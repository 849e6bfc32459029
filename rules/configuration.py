"""From the stack's configuration to :class:`Settings`: what is wrong is said in sentences, without a traceback."""

import json
import os
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn, get_origin

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import ValidationError

from rules import client_fixes
from rules.certificates import ANY_TIME
from rules.layout import PROJECT
from rules.settings import Settings

FIELDS = {str(field.alias): field for field in Settings.model_fields.values()}
SECRETS = frozenset(name for name, field in FIELDS.items() if "SecretStr" in str(field.annotation))

EXAMPLES = {
    "environment": "environment production",
    "hostname": "hostname gateway.example.org",
    "bindAddresses": "--path 'bindAddresses[0]' 127.0.0.1",
    "allowedCidrs": "--path 'allowedCidrs[0]' 10.0.0.0/8",
    "egressAllow": "--path 'egressAllow[0]' api.anthropic.com",
    "egressPrivateCidrs": "--path 'egressPrivateCidrs[0]' 10.1.2.3/32",
    "egressDns": "--path 'egressDns[0]' 10.0.0.53",
    "models": "--path 'models.sonnet' claude-sonnet-5-5",
    "clients": "--path 'clients.alice.requestsPerMinute' 60",
    "tls": "tls managed",
    "acmeEmail": "acmeEmail you@example.org",
    "acmeChallenge": "acmeChallenge dns-01",
    "acmeDnsProvider": "acmeDnsProvider cloudflare",
    "acmeDnsHosts": "--path 'acmeDnsHosts[0]' api.example.org",
    "acmeDnsZone": "acmeDnsZone example.org",
    "claudeAuthVolume": "claudeAuthVolume VOLUME",
    "keyRotation": "keyRotation 2026-11-24",
    "securityUpdates": "securityUpdates 2026-11-24",
    "previousKeyExpires": "previousKeyExpires 2026-11-25T12:00:00Z",
    "allowHost": "allowHost false",
    "dockerHost": "dockerHost ssh://operator@gateway.example.org",
    "dockerCertPath": "dockerCertPath FOLDER",
    "registry": "registry registry.example.org/litellm-claude",
    "frontPlacement": "--path 'frontPlacement[0]' node.labels.front==yes",
    "logLevel": "logLevel INFO",
    "anthropicBaseUrl": "anthropicBaseUrl https://api.anthropic.com",
}
"""What to type behind ``pulumi config set`` where the setting's default does not show it."""

ACCEPT_EXPIRED = "LITELLM_CLAUDE_ACCEPT_EXPIRED_CERTIFICATE"
"""Set by ops/up.sh when the stack serves this certificate already (ops/certificate.py): it may have expired today."""
GENERATE = "printf 'sk-%s' \"$(openssl rand -hex 32)\" | pulumi config set --secret "


def load(config: pulumi.Config) -> Settings:
    """Returns the validated settings of the current stack.

    Raises :class:`pulumi.RunError`, which ends preview and up with its sentences alone: each names the key, what is
    wrong and the command that fixes it. No value is ever quoted, because it may be a secret in the wrong place.
    """
    if config.name != PROJECT:
        _refuse(
            f"Pulumi.yaml: the project is named {config.name}, and everything on the engine is found by {PROJECT}. "
            f"Fix: make it again with: pulumi new TEMPLATE --name {PROJECT} (a stack may have any name)"
        )
    raw = _raw(config.name)
    _refuse_unknown(raw)
    _refuse_plaintext(config, raw)
    given = {name: _parsed(name, text) for name, text in raw.items() if text != "" or _is_secret(config, name)}
    try:
        return Settings.model_validate(given, context={ANY_TIME: os.environ.get(ACCEPT_EXPIRED)})
    except ValidationError as error:
        _refuse(*(_sentence(problem) for problem in error.errors()))


def _raw(namespace: str) -> dict[str, Any]:
    values = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    prefix = f"{namespace}:"
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def _is_secret(config: pulumi.Config, name: str) -> bool:
    return runtime_config.is_config_secret(config.full_key(name))


def _refuse_unknown(raw: dict[str, Any]) -> None:
    unknown = sorted(set(raw) - set(FIELDS))
    if unknown:
        _refuse(*map(_unknown_sentence, unknown))


def _unknown_sentence(name: str) -> str:
    # Compared in lower case: the usual slip is the case of a letter.
    known = {field.lower(): field for field in FIELDS}
    near = get_close_matches(name.lower(), known)
    hint = f"the nearest setting is {known[near[0]]}" if near else "Pulumi.yaml lists the settings"
    shown = name if name.isprintable() else ascii(name)
    return f"{shown}: is not a setting; {hint}. Fix: pulumi config rm {shown} {_this_stack()}"


def _refuse_plaintext(config: pulumi.Config, raw: dict[str, Any]) -> None:
    naked = sorted(name for name in SECRETS & set(raw) if raw[name] != "" and not _is_secret(config, name))
    if naked:
        _refuse(
            *(
                f"{name}: was set without --secret and stands in the stack file in the clear. {_fix(name)}"
                for name in naked
            )
        )


def _parsed(name: str, text: Any) -> Any:
    """Pulumi hands over lists and maps as JSON text, and everything else as plain text."""
    if not isinstance(text, str) or get_origin(FIELDS[name].annotation) not in (list, dict):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _sentence(problem: Any) -> str:
    """Turns one of pydantic's errors into a sentence that begins with the setting's name."""
    context = problem.get("ctx") or {}
    name = str(context.get("key") or problem["loc"][0])
    at = client_fixes.location_of(name) if "." in name else list(problem["loc"])
    of_client = len(at) > 1 and at[0] == "clients"
    place = _place(at) if of_client else name
    message = str(problem["msg"]).removeprefix("Value error, ").replace("Input should ", "must ", 1)
    message = message.replace("be a valid dictionary or instance of Client", "have settings, such as maxParallel: 4")
    if problem["type"] == "missing":
        message = "must be set"
    elif problem["type"] == "extra_forbidden":
        message = f"is not a setting of a client; those are {', '.join(client_fixes.FIELDS)}"
    elif problem["type"] != "setting" and not message.startswith("must"):
        message = f"is wrong: {message[:1].lower()}{message[1:]}"
    if of_client:
        return (
            f"{place}: {message}. {client_fixes.fix(at, problem['type'], pulumi.get_stack(), context.get('example'))}"
        )
    if fix := context.get("fix"):
        return f"{place}: {message}. Fix: {'; '.join(f'{command} {_this_stack()}' for command in fix.split('; '))}"
    return f"{place}: {message}. {_fix(name, *problem['loc'][1:2])}"


def _place(location: Sequence[str | int]) -> str:
    """Returns the path inside a structured setting, as ``pulumi config set --path`` takes it."""
    parts = [part for part in location if part != "[key]"]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")
    return (path or "clients").encode("unicode_escape").decode()


def _fix(name: str, item: object = "") -> str:
    if name in ("masterKey", "previousMasterKey"):
        return f"Fix: {GENERATE}{name} {_this_stack()}"
    if name == "tlsCertificate":  # a new certificate comes with its key, and neither is taken without the other
        key = f"pulumi config set --secret tlsPrivateKey {_this_stack()} < KEY"
        return f"Fix: pulumi config set tlsCertificate {_this_stack()} < FILE && {key}"
    if name in SECRETS or name.endswith(("Certificates", "DirectoryCa")):
        flag = "--secret " if name in SECRETS else ""
        return f"Fix: pulumi config set {flag}{name} {_this_stack()} < FILE"
    default = FIELDS[name].default if name in FIELDS else ""
    if "--path" in EXAMPLES.get(name, "") and name != "clients":
        return f"Fix: {_without(name, item)}pulumi config set {_example(name, item)} {_this_stack()}"
    if default is None and name not in EXAMPLES:
        return f"Fix: pulumi config rm {name} {_this_stack()}"
    return f"Fix: pulumi config set {EXAMPLES.get(name, f'{name} {_shown(default)}')} {_this_stack()}"


def _without(name: str, item: object) -> str:
    """What removes the wrong part of a list or map first: the item that is named, which a list's example replaces."""
    if isinstance(item, int):
        return ""
    key = str(item)
    part = f"--path '{name}[\"{key}\"]'" if key.isprintable() and key and not set(key) & set("'\"\\[]") else name
    return f"pulumi config rm {part} {_this_stack()}; "


def _example(name: str, item: object) -> str:
    return EXAMPLES[name].replace("[0]", f"[{item}]") if isinstance(item, int) else EXAMPLES[name]


def _this_stack() -> str:
    """Without it, pulumi would change whichever stack is selected."""
    return f"--stack {pulumi.get_stack()}"


def _shown(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def _refuse(*sentences: str) -> NoReturn:
    raise pulumi.RunError("\n".join(dict.fromkeys(sentences)))  # a map's key and value may be wrong in the same words
