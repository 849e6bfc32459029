"""A certificate by ACME (``tls: acme``): whether it can be had as the settings ask for it. Pure functions."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from rules import acme_container as container
from rules.acme_container import AcmeChallenge
from rules.certificates import bundle_fault
from rules.egress_names import fewest
from rules.https_url import outside
from rules.refusal import Refusal
from rules.setting_fields import Fields

EMAIL = re.compile(r"[^\s@,:]+@[^\s@,:]+\.[^\s@,:]+")
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


class Acme:
    """A certificate as it is to be asked for."""

    def __init__(self, settings: Fields) -> None:
        self.settings = settings

    @property
    def outside(self) -> tuple[list[str], list[int]]:
        """The names that the container may reach, and the ports: the CA's, and the DNS provider's."""
        settings = self.settings
        url = urlsplit(settings.acme_directory)
        names = {str(url.hostname), *settings.acme_dns_hosts}
        if settings.acme_challenge is AcmeChallenge.DNS:
            names |= {*(() if settings.acme_dns_hosts else HOSTS.get(settings.acme_dns_provider or "", ()))}
        return fewest(names), sorted({443, url.port or 443})

    @property
    def variables(self) -> str:
        """The DNS provider's variables, a secret."""
        secret = self.settings.acme_dns_variables
        return secret.get_secret_value() if secret else ""

    @property
    def own_zone(self) -> str:
        """The DNS zone that the name is in: what somebody has registered, unless the settings name a part of it."""
        zone, hostname = self.settings.acme_dns_zone, self.settings.hostname
        return zone or PublicSuffixList(only_icann=True).privatesuffix(hostname) or hostname

    def fault(self) -> Refusal | tuple[str, str] | None:
        """Returns the setting that is wrong, and why; None when a certificate can be asked for."""
        return self._name_fault() or self._authority_fault() or self._challenge_fault()

    def _name_fault(self) -> tuple[str, str] | None:
        name = self.settings.hostname
        try:
            ip_address(name)
        except ValueError:
            if "." in name:
                return None
        return "hostname", f"is {name}, but must be a public name such as gateway.example.org with tls acme"

    def _authority_fault(self) -> tuple[str, str] | None:
        settings = self.settings
        if not settings.acme_email or not EMAIL.fullmatch(settings.acme_email):
            return "acmeEmail", "must be an address at which the CA reaches you, with tls acme"
        if outside(settings.acme_directory) is None:
            return "acmeDirectory", "must be the https URL of a CA's ACME directory, with a full host name"
        if settings.acme_directory_ca and (problem := bundle_fault(settings.acme_directory_ca)):
            return "acmeDirectoryCa", problem
        return None

    def _challenge_fault(self) -> Refusal | tuple[str, str] | None:  # noqa: PLR0911 - one a rule
        settings = self.settings
        if settings.acme_challenge is None:
            return "acmeChallenge", "must be dns-01 or http-01, with tls acme"
        if settings.acme_challenge is AcmeChallenge.HTTP:
            if settings.redirect_port:
                return None
            words = "must be the port at which the CA finds port 80, with acmeChallenge http-01"
            return Refusal("redirectPort", words, fix="pulumi config set redirectPort 80")
        if problem := container.provider_fault(settings.acme_dns_provider or ""):
            return "acmeDnsProvider", problem
        try:
            given = container.variables(self.variables)
        except ValueError as error:
            return "acmeDnsVariables", str(error)
        if problem := container.missing(str(settings.acme_dns_provider), given):
            return "acmeDnsVariables", problem
        if not settings.acme_dns_hosts and settings.acme_dns_provider not in HOSTS:
            words = f"must name the hosts of the API of {settings.acme_dns_provider}, and no other is let through"
            return "acmeDnsHosts", words
        if not f".{settings.hostname}".endswith(f".{self.own_zone}"):
            return "acmeDnsZone", f"is no zone that {settings.hostname} is in"
        return None
