"""Which values of a stack are secret, in its settings and in its state as Pulumi exports it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from posture.compare import pairs
from posture.redaction import SHORTEST
from rules.container import SECRETS
from rules.keys import PREFIX, WELL_KNOWN
from rules.pulumi_types import CONTAINER

MARK = "4dabf18193072939515e22adb298388d"
"""Key of the object in which Pulumi wraps a secret."""
SECRET_VARIABLES = SECRETS | {
    "GATEWAY_METRICS_KEY_SHA256",
    "GATEWAY_TLS_PRIVATE_KEY",
    "ACME_DNS_VARIABLES",
    "VALKEY_PASSWORD_SHA256",
}
"""LiteLLM's own, and those of the other containers."""


def plain(value: Any) -> Any:
    """Takes the wrapping off the secrets in a value from an export with ``--show-secrets``."""
    if isinstance(value, dict):
        if MARK in value:
            return json.loads(value["plaintext"])
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def without_public(secrets: Iterable[str]) -> frozenset[str]:
    """Leaves out the keys of public documentation: the development key may stand anywhere, and in its own warning."""
    return frozenset(secrets) - WELL_KNOWN - {key.removeprefix(PREFIX) for key in WELL_KNOWN}


def config_secrets(config: Mapping[str, Any]) -> Iterator[str]:
    """Yields the secret values of what ``pulumi config --json --show-secrets`` prints."""
    for entry in config.values():
        if entry.get("secret"):
            yield str(entry["value"])


def secrets_of(resource: Mapping[str, Any]) -> set[str]:
    """The secret values of a resource.

    Pulumi marks more than is secret: a container's whole environment, and what a provider derives from a private key,
    such as a certificate's name. Of those the variables of SECRET_VARIABLES and the keys themselves count.
    """
    if resource["type"] == CONTAINER:
        variables = pairs(plain((resource.get("inputs") or {}).get("envs")))
        return {value for name, value in variables.items() if name in SECRET_VARIABLES and value}
    only = "privatekey" if resource["type"].startswith("tls:") else ""
    found = {text for place in ("inputs", "outputs") for text in _marked(resource.get(place), only)}
    return {text for text in found if len(text) >= SHORTEST and not text.startswith("-----BEGIN CERTIFICATE")}


def _marked(value: Any, only: str, *, name: str = "", inside: bool = False) -> Iterator[str]:
    if isinstance(value, dict):
        if MARK in value:
            yield from _marked(json.loads(value["plaintext"]), only, name=name, inside=True)
            return
        for key, item in value.items():
            yield from _marked(item, only, name=key, inside=inside)
    elif isinstance(value, list):
        for item in value:
            yield from _marked(item, only, name=name, inside=inside)
    elif inside and isinstance(value, str) and only in name.lower():
        yield value
