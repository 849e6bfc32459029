"""Every check, a group a module; importing this package fills the registry."""

from posture.checks import access, cis_isolation, cis_operation, drift, https, key, login, network, rest, supply

__all__ = ["access", "cis_isolation", "cis_operation", "drift", "https", "key", "login", "network", "rest", "supply"]
