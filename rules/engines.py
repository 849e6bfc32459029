"""Whether the setting ``dockerHost`` names an engine that can be reached, and that not everybody can reach."""

from urllib.parse import urlsplit

SCHEMES = ("unix", "ssh", "tcp")
"""How an engine is reached: what docker's client and the provider both speak."""


def fault(host: str | None, cert_path: str | None) -> tuple[str, str] | None:
    """Returns the setting that is wrong, and why; None when the engine can be used."""
    scheme = urlsplit(host or "unix:").scheme
    if scheme not in SCHEMES:
        return "dockerHost", f"must begin with one of: {', '.join(f'{known}://' for known in SCHEMES)}"
    if scheme == "tcp" and not cert_path:
        return "dockerCertPath", "must be set for a tcp:// engine: without certificates its port is root to all"
    return None
