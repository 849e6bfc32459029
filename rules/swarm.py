"""What a stack of services cannot have (``orchestrator: swarm``), each with the way out. Pure functions."""

# ruff: noqa: D102 - the protocol's members are settings, which Pulumi.yaml describes

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

from rules.refusal import Refusal
from rules.vocabulary import ClaudeAuth, Orchestrator, TlsMode

LONGEST_NAME = 28
"""A Swarm takes 64 characters for a secret, with the variable's name and what Pulumi adds."""
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
WORDS = "with orchestrator swarm"
FIXES = {
    "registry": "pulumi config set registry registry.example.org/litellm-claude",
    "bindAddresses": "pulumi config set --path 'bindAddresses[0]' 0.0.0.0",
    "claudeOauthToken": "pulumi config set --secret claudeOauthToken",
    "tls": "pulumi config set tls managed",
    "usageDays": "pulumi config set usageDays 0",
    "allowHost": "pulumi config set allowHost false",
}
"""What to type where the setting's own example would be refused, too."""


class Asked(Protocol):
    """What the settings say of it."""

    @property
    def orchestrator(self) -> Orchestrator: ...
    @property
    def registry(self) -> str | None: ...
    @property
    def bind_addresses(self) -> Sequence[IPv4Address | IPv6Address]: ...
    @property
    def claude_auth(self) -> ClaudeAuth: ...
    @property
    def allow_host(self) -> bool: ...
    @property
    def tls_mode(self) -> TlsMode: ...
    @property
    def usage_days(self) -> int: ...
    @property
    def litellm_image(self) -> str | None: ...
    @property
    def gateway_image(self) -> str | None: ...
    @property
    def egress_image(self) -> str | None: ...
    @property
    def front_image(self) -> str | None: ...
    @property
    def valkey_image(self) -> str | None: ...


def fault(asked: Asked) -> Refusal | None:
    """Returns the setting that a Swarm cannot do, and why; None when it can do all, and for a stack of containers."""
    if asked.orchestrator is not Orchestrator.SWARM:
        return None
    images = {
        "litellmImage": asked.litellm_image,
        "gatewayImage": asked.gateway_image,
        "egressImage": asked.egress_image,
        "frontImage": asked.front_image,
        "valkeyImage": asked.valkey_image,
    }
    wrong = (
        (not asked.registry, "registry", f"must be set {WORDS}: from there each node pulls the images"),
        (
            not all(address.is_unspecified for address in asked.bind_addresses),
            "bindAddresses",
            f"must be 0.0.0.0 {WORDS}: a node publishes on all its addresses, never by the mesh, which hides who calls",
        ),
        (
            asked.claude_auth is ClaudeAuth.LOGIN,
            "claudeOauthToken",
            f"or anthropicApiKey must be set {WORDS}: a login in a volume belongs to one host",
        ),
        (
            asked.allow_host,
            "allowHost",
            f"must be false {WORDS}: who comes to a node over IPv6 looks like the node itself",
        ),
        (
            asked.tls_mode is TlsMode.ACME,
            "tls",
            f"must be managed or provided {WORDS}: a certificate by ACME is handed over on a volume of one host",
        ),
        (asked.usage_days > 0, "usageDays", f"must be 0 {WORDS}: usage is kept on a volume of one host"),
        *(
            (
                bool(given) and "@" not in str(given),
                name,
                f"must have a name before its digest {WORDS}: the nodes pull it",
            )
            for name, given in images.items()
        ),
    )
    return next((Refusal(name, words, fix=FIXES.get(name)) for found, name, words in wrong if found), None)


def name_fault(name: str, stack: str) -> str | None:
    """Returns why a Swarm takes nothing that is called after ``name``, with the fix for ``stack``, or None."""
    if NAME.fullmatch(name) and len(name) <= LONGEST_NAME:
        return None
    return (
        f"name: a Swarm takes no service that is named after {name}: at most {LONGEST_NAME} letters, digits, - and _. "
        f"Fix: pulumi config set name NAME --stack {stack}"
    )
