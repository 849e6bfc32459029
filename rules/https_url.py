"""The https URL of somebody outside, as the egress proxy can let it through. Pure functions."""

from urllib.parse import SplitResult, urlsplit

from rules.setting_types import host_name


def outside(url: str) -> SplitResult | None:
    """Returns the parts of ``url``; None when it is no https URL of a full name or address, or has more than a path."""
    try:
        parts = urlsplit(url)
        host, _ = str(parts.hostname), parts.port
        whole = host_name(host) == host and ("." in host or ":" in host) and "%" not in host
    except ValueError:
        return None
    plain = parts.scheme == "https" and not (parts.query or parts.fragment or parts.username or parts.password)
    return parts if plain and whole and url.split() == [url] and parts.port != 0 else None
