"""A certificate by ACME (``tls: acme``): whether it can be had as the settings ask for it. Pure functions."""

# ruff: noqa: D102 - the protocol's members are settings, which Pulumi.yaml describes

import re
import sys
from collections.abc import Sequence
from enum import StrEnum
from ipaddress import ip_address
from typing import Protocol
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList
from pydantic import SecretStr

from rules.certificates import bundle_fault
from rules.layout import IMAGES
from rules.refusal import Refusal

# Behind all others: nothing of the image takes a package's place here.
sys.path.append(str(IMAGES / "acme" / "app"))

from acme_keeper import settings as container

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
EMAIL = re.compile(r"[^\s@,]+@[^\s@,]+\.[^\s@,]+")
HOSTS = {
    "cloudflare": ("api.cloudflare.com",),
    "desec": ("desec.io",),
    "digitalocean": ("api.digitalocean.com",),
    "gandiv5": ("dns.api.gandi.net",),
    "hetzner": ("dns.hetzner.com",),
    "ionos": ("api.hosting.ionos.com",),
    "linode": ("api.linode.com",),
    "route53": ("route53.amazonaws.com", "sts.amazonaws.com"),
    "vultr": ("api.vultr.com",),
}
"""Where lego 4.9 asks the best known providers; of others ``acmeDnsHosts`` says it."""


class AcmeChallenge(StrEnum):
    """How the CA is shown whose name it is: a DNS record, or a page on port 80."""

    DNS = container.DNS
    HTTP = container.HTTP


class Asked(Protocol):
    """What the settings say of it."""

    @property
    def hostname(self) -> str: ...
    @property
    def redirect_port(self) -> int: ...
    @property
    def acme_email(self) -> str | None: ...
    @property
    def acme_challenge(self) -> AcmeChallenge | None: ...
    @property
    def acme_directory(self) -> str: ...
    @property
    def acme_directory_ca(self) -> str | None: ...
    @property
    def acme_dns_provider(self) -> str | None: ...
    @property
    def acme_dns_variables(self) -> SecretStr | None: ...
    @property
    def acme_dns_hosts(self) -> Sequence[str]: ...
    @property
    def acme_dns_zone(self) -> str | None: ...


class Acme:
    """A certificate as it is to be asked for."""

    def __init__(self, asked: Asked) -> None:
        secret = asked.acme_dns_variables
        self.hostname, self.redirect_port, self.email = asked.hostname, asked.redirect_port, asked.acme_email
        self.challenge, self.directory, self.authority = (
            asked.acme_challenge,
            asked.acme_directory,
            asked.acme_directory_ca,
        )
        self.provider, self.hosts, self.zone = asked.acme_dns_provider, asked.acme_dns_hosts, asked.acme_dns_zone
        self.variables = secret.get_secret_value() if secret else ""

    @property
    def outside(self) -> tuple[list[str], list[int]]:
        """The names that the container may reach, and the ports: the CA's, and the DNS provider's."""
        url = urlsplit(self.directory)
        names = {str(url.hostname), *self.hosts}
        if self.challenge is AcmeChallenge.DNS:
            names |= {*(() if self.hosts else HOSTS.get(self.provider or "", ()))}
        return sorted(names), sorted({443, url.port or 443})

    @property
    def own_zone(self) -> str:
        """The DNS zone that the name is in: what somebody has registered, unless the settings name a part of it."""
        return self.zone or PublicSuffixList(only_icann=True).privatesuffix(self.hostname) or self.hostname

    def fault(self) -> Refusal | tuple[str, str] | None:
        """Returns the setting that is wrong, and why; None when a certificate can be asked for."""
        return self._name_fault() or self._authority_fault() or self._challenge_fault()

    def _name_fault(self) -> tuple[str, str] | None:
        try:
            ip_address(self.hostname)
        except ValueError:
            if "." in self.hostname:
                return None
        return "hostname", f"is {self.hostname}, but must be a public name such as gateway.example.org with tls acme"

    def _authority_fault(self) -> tuple[str, str] | None:
        if not self.email or not EMAIL.fullmatch(self.email):
            return "acmeEmail", "must be an address at which the CA reaches you, with tls acme"
        url = urlsplit(self.directory)
        if url.scheme != "https" or not url.hostname or url.username or url.query:
            return "acmeDirectory", "must be the https URL of a CA's ACME directory"
        if self.authority and (problem := bundle_fault(self.authority)):
            return "acmeDirectoryCa", problem
        return None

    def _challenge_fault(self) -> Refusal | tuple[str, str] | None:  # noqa: PLR0911 - one a rule
        if self.challenge is None:
            return "acmeChallenge", "must be dns-01 or http-01, with tls acme"
        if self.challenge is AcmeChallenge.HTTP:
            if self.redirect_port:
                return None
            words = "must be the port at which the CA finds port 80, with acmeChallenge http-01"
            return Refusal("redirectPort", words, fix="pulumi config set redirectPort 80")
        if problem := container.provider_fault(self.provider or ""):
            return "acmeDnsProvider", problem
        try:
            given = container.variables(self.variables)
        except ValueError as error:
            return "acmeDnsVariables", str(error)
        if problem := container.missing(str(self.provider), given):
            return "acmeDnsVariables", problem
        if not self.hosts and self.provider not in HOSTS:
            return (
                "acmeDnsHosts",
                f"must name the hosts of the API of {self.provider}, and no other is let through",
            )
        if not f".{self.hostname}".endswith(f".{self.own_zone}"):
            return "acmeDnsZone", f"is no zone that {self.hostname} is in"
        return None
