"""Whether what a container is handed fits into its environment. Pure functions."""

# ruff: noqa: D102 - the protocol's members are settings, which Pulumi.yaml describes

from collections.abc import Sequence
from typing import Protocol

from pydantic import SecretStr

from rules.addresses import Networks

MIB = 1024 * 1024
ENVIRONMENT_BYTES = 120 * 1024
"""What one environment variable of a container can carry: Linux takes 128 KiB with its name (MAX_ARG_STRLEN)."""


class Handed(Protocol):
    """The settings that may be long."""

    @property
    def allowed_cidrs(self) -> Networks: ...
    @property
    def egress_allow(self) -> Sequence[str]: ...
    @property
    def egress_closed_cidrs(self) -> Networks: ...
    @property
    def upstream_ca_certificates(self) -> str | None: ...
    @property
    def tls_certificate(self) -> str | None: ...
    @property
    def tls_private_key(self) -> SecretStr | None: ...


def fault(settings: Handed) -> tuple[str, str] | None:
    """Returns which setting is too long, and what is, or None."""
    handed_over = {
        "allowedCidrs": ",".join(map(str, settings.allowed_cidrs)),
        "egressAllow": ",".join(settings.egress_allow),
        "egressPrivateCidrs": ",".join(map(str, settings.egress_closed_cidrs)),
        "upstreamCaCertificates": settings.upstream_ca_certificates or "",
        "tlsCertificate": settings.tls_certificate or "",
        "tlsPrivateKey": settings.tls_private_key.get_secret_value() if settings.tls_private_key else "",
    }
    long = next((name for name, text in handed_over.items() if len(text.encode()) > ENVIRONMENT_BYTES), None)
    words = f"is too long to be handed to a container: at most {ENVIRONMENT_BYTES // 1024} KiB"
    return (long, words) if long else None
