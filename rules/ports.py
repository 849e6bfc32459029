"""The ports of this machine that a stack publishes, and the rules between them. Pure functions."""

from ipaddress import IPv4Address, IPv6Address, ip_network

from rules.addresses import not_private
from rules.setting_types import TlsMode


def fault(
    tls: TlsMode, port: int, redirect: int, metrics: int, metrics_address: IPv4Address | IPv6Address
) -> tuple[str, str] | None:
    """Returns which setting is wrong between the ports, and what is, or None. A port of 0 is closed."""
    if redirect and (tls is TlsMode.OFF or redirect == port):
        return "redirectPort", "needs TLS and a port other than the gateway's own"
    if metrics and metrics in (port, redirect):
        return "metricsPort", "must be a port other than the gateway's own"
    private = metrics_address.version == 4 and not not_private([ip_network(metrics_address)])
    if not (metrics_address.is_loopback and metrics_address.version == 4) and not private:
        return "metricsAddress", f"is {metrics_address}, but must be an IPv4 address: of loopback, or a private one"
    if metrics and tls is TlsMode.OFF and not metrics_address.is_loopback:
        return "metricsAddress", "must be loopback while tls is off: the key would travel in the clear"
    return None
