"""What a stack of services cannot have (``orchestrator: swarm``), each with the way out. Pure functions."""

import re

from rules.refusal import Refusal
from rules.setting_fields import Fields
from rules.setting_types import ClaudeAuth, Orchestrator, TlsMode

LONGEST_NAME = 28
"""A Swarm takes 64 characters for a secret, with the variable's name and what Pulumi adds."""
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
WORDS = "with orchestrator swarm"
FIXES = {
    "registry": "pulumi config set registry registry.example.org/litellm-claude",
    "bindAddresses": "pulumi config rm bindAddresses; pulumi config set --path 'bindAddresses[0]' 0.0.0.0",
    "claudeOauthToken": "pulumi config set --secret claudeOauthToken",
    "tls": "pulumi config set tls managed",
    "usageDays": "pulumi config set usageDays 0",
    "allowHost": "pulumi config set allowHost false",
}
"""What to type where the setting's own example would be refused, too."""


def fault(settings: Fields) -> Refusal | None:
    """Returns the setting that a Swarm cannot do, and why; None when it can do all, and for a stack of containers."""
    if settings.orchestrator is not Orchestrator.SWARM:
        return None
    images = {
        "litellmImage": settings.litellm_image,
        "gatewayImage": settings.gateway_image,
        "egressImage": settings.egress_image,
        "frontImage": settings.front_image,
        "valkeyImage": settings.valkey_image,
    }
    wrong = (
        (not settings.registry, "registry", f"must be set {WORDS}: from there each node pulls the images"),
        (
            not all(address.is_unspecified for address in settings.bind_addresses) or len(settings.bind_addresses) > 1,
            "bindAddresses",
            f"must be 0.0.0.0 {WORDS}: a node publishes on all its addresses, never by the mesh, which hides who calls",
        ),
        (
            settings.claude_auth is ClaudeAuth.LOGIN,
            "claudeOauthToken",
            f"or anthropicApiKey must be set {WORDS}: a login in a volume belongs to one host",
        ),
        (
            settings.allow_host,
            "allowHost",
            f"must be false {WORDS}: who comes to a node over IPv6 looks like the node itself",
        ),
        (
            settings.tls_mode is TlsMode.ACME,
            "tls",
            f"must be managed or provided {WORDS}: a certificate by ACME is handed over on a volume of one host",
        ),
        (bool(settings.usage_days), "usageDays", f"must be 0 {WORDS}: usage is kept on a volume of one host"),
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
