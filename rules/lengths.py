"""Whether what a container is handed fits into its environment. Pure functions."""

from rules.defaults import ENVIRONMENT_BYTES
from rules.setting_fields import Fields


def fault(settings: Fields) -> tuple[str, str] | None:
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
