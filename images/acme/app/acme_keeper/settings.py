"""What the container is told, and what it refuses. The preview asks the same rules (rules/acme.py)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

HTTP, DNS = "http-01", "dns-01"
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
OURS = re.compile(
    r"(ACME|DOCKER|GO|LD|LEGO|PYTHON|SSL_CERT)_?.*|(HTTPS?|NO|ALL)_PROXY|PATH|HOME|TMPDIR|LANG|HOSTNAME|RESOLV.*"
)
"""Variables that steer this container's programs, and not a DNS provider's API."""
NOT_HTTPS = {
    "rfc2136": "speaks DNS",
    "exec": "runs a program of the operator's own",
    "manual": "asks a person",
    "acme-dns": "keeps an account in a file",
    "pdns": "speaks plain HTTP",
}
"""Ways of lego's that are no API over HTTPS, the only thing that leaves this container."""
NEEDED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "azure": (("AZURE_CLIENT_ID",), ("AZURE_CLIENT_SECRET",), ("AZURE_TENANT_ID",)),
    "cloudflare": (("CLOUDFLARE_DNS_API_TOKEN", "CF_DNS_API_TOKEN", "CLOUDFLARE_API_KEY", "CF_API_KEY"),),
    "desec": (("DESEC_TOKEN",),),
    "digitalocean": (("DO_AUTH_TOKEN",),),
    "gandiv5": (("GANDIV5_API_KEY",),),
    "hetzner": (("HETZNER_API_KEY",),),
    "httpreq": (("HTTPREQ_ENDPOINT",),),
    "ionos": (("IONOS_API_KEY",),),
    "linode": (("LINODE_TOKEN",),),
    "route53": (("AWS_ACCESS_KEY_ID",), ("AWS_SECRET_ACCESS_KEY",)),
    "vultr": (("VULTR_API_KEY",),),
}
"""What the best known providers cannot do without: each an alternative. lego itself says it of the others."""


class SettingsError(ValueError):
    """A variable is wrong: which, and why. Never quotes a value."""


@dataclass(frozen=True)
class Settings:
    """What to ask for, of whom, and how. ``variables`` are the DNS provider's, and secret."""

    hostname: str
    email: str
    challenge: str
    directory: str
    authority: str = ""
    provider: str = ""
    zone: str = ""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    dns_seconds: float = 30
    """How long a DNS record gets until all of the provider's servers have it."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Reads the container's environment.

        Raises:
            SettingsError: with what is wrong.
        """
        for name in ("ACME_HOSTNAME", "ACME_EMAIL", "ACME_DIRECTORY"):
            if not environment.get(name):
                raise SettingsError(f"{name} is not set")
        challenge = environment.get("ACME_CHALLENGE", "")
        if challenge not in (HTTP, DNS):
            raise SettingsError(f"ACME_CHALLENGE must be {HTTP} or {DNS}")
        provider = environment.get("ACME_DNS_PROVIDER", "")
        try:
            given = variables(environment.get("ACME_DNS_VARIABLES", ""))
        except ValueError as error:
            raise SettingsError(f"ACME_DNS_VARIABLES {error}") from None
        if challenge == DNS and (problem := provider_fault(provider) or missing(provider, given)):
            raise SettingsError(f"ACME_DNS_PROVIDER: {problem}")
        return cls(
            hostname=environment["ACME_HOSTNAME"],
            email=environment["ACME_EMAIL"],
            challenge=challenge,
            directory=environment["ACME_DIRECTORY"],
            authority=environment.get("ACME_DIRECTORY_CA", ""),
            provider=provider,
            zone=environment.get("ACME_DNS_ZONE", ""),
            variables=given,
            dns_seconds=float(environment.get("ACME_DNS_SECONDS", "30")),
        )


def variables(text: str) -> dict[str, str]:
    """Reads lines of NAME=value, as in an env file; blank lines and those that begin with # are left out.

    Raises:
        ValueError: with what is wrong, without a value.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.strip().partition("=")
        if not equals or not VARIABLE.fullmatch(name):
            raise ValueError(f"has no NAME=value in line {number}")
        if OURS.fullmatch(name):
            raise ValueError(f"holds {name}, which is no variable of a DNS provider")
        if not value:
            raise ValueError(f"has no value for {name}")
        if value[0] in "'\"" and value[-1] == value[0]:
            raise ValueError(f"has {name} in quotes, which would be part of it: leave them out")
        if name.endswith("_FILE"):
            raise ValueError(f"holds {name}, but there is no file where it is read: give {name[:-5]} itself")
        found[name] = value
    return found


def provider_fault(provider: str) -> str | None:
    """Returns why ``provider`` cannot be asked for a DNS record, or None."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", provider):
        return "must be a provider's name of lego's, such as cloudflare"
    if provider in NOT_HTTPS:
        return f"must be a provider with an API over HTTPS; {provider} {NOT_HTTPS[provider]}"
    return None


def missing(provider: str, given: Mapping[str, str]) -> str | None:
    """Returns which variable ``provider`` needs, and is not there, or None."""
    for names in NEEDED.get(provider, ()):
        if not any(name in given for name in names):
            return f"lacks the variable {' or '.join(names)}, which the provider {provider} needs"
    return "lacks the provider's variables" if not given else None
