"""Whether what a container is handed fits into its environment, and its name into a host's. Pure functions."""

import json

from pydantic import SecretStr

from rules.layout import PROJECT
from rules.setting_fields import Fields
from rules.setting_types import LABEL_CHARACTERS
from rules.sizes import ENVIRONMENT_BYTES

ADDED = "-0123456"
"""What Pulumi adds to the name of a container."""


def fault(settings: Fields) -> tuple[str, str] | None:
    """Returns which setting is too long, and what is, or None."""
    handed_over = {
        "allowedCidrs": ",".join(map(str, settings.allowed_cidrs)),
        "egressAllow": ",".join(settings.egress_allow),
        "egressPrivateCidrs": ",".join(map(str, settings.egress_closed_cidrs)),
        "upstreamCaCertificates": settings.upstream_ca_certificates or "",
        "models": json.dumps(settings.models),
        "tlsCertificate": settings.tls_certificate or "",
        "tlsPrivateKey": _plain(settings.tls_private_key),
        "acmeDirectoryCa": settings.acme_directory_ca or "",
        "acmeDnsHosts": ",".join(settings.acme_dns_hosts),
        "acmeDnsVariables": _plain(settings.acme_dns_variables),
    }
    long = next((name for name, text in handed_over.items() if len(text.encode()) > ENVIRONMENT_BYTES), None)
    words = f"is too long to be handed to a container: at most {ENVIRONMENT_BYTES // 1024} KiB"
    return (long, words) if long else None


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def name_fault(name: str, stack: str, *, acme: bool) -> str | None:
    """Returns why the egress proxy of a stack called ``name`` could not be found by its name, with the fix, or None."""
    longest = f"-acme-egress{ADDED}" if acme else f"-egress{ADDED}"
    if all(0 < len(part) <= LABEL_CHARACTERS for part in f"{PROJECT}-{name}{longest}".split(".")):
        return None
    return (
        f"name: containers that are named after {name} could not find each other: no part of a host name is empty or "
        f"has more than {LABEL_CHARACTERS} characters. Fix: pulumi config set name NAME --stack {stack}, with at most "
        f"{LABEL_CHARACTERS - len(f'{PROJECT}-{longest}')} of them"
    )
