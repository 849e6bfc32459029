"""The names on an egress proxy's list. Pure functions."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address

from rules.refusal import Refusal


def fewest(names: Iterable[str]) -> list[str]:
    """Returns ``names`` in order, without those that another one holds: ``.example.org`` holds itself and all below it.

    Squid does not start with ``.a.example.org`` before ``.example.org`` on its list ("is a subdomain of").
    """
    wanted = set(names)
    return sorted(name for name in wanted if not any(_holds(other, name) for other in wanted - {name}))


def lacking(names: Iterable[str], needed: Iterable[str]) -> list[str]:
    """Returns which of ``needed`` a proxy with ``names`` on its list does not let through."""
    listed = list(names)
    return [host for host in needed if not any(name == host or _holds(name, host) for name in listed)]


def list_fault(listed: Sequence[str], upstream: str) -> Refusal | None:
    """Returns why a list of names is none with which a request could be sent to ``upstream``, or None."""
    if not listed or not lacking(listed, [upstream]):
        return None
    fix = f"pulumi config set --path 'egressAllow[{len(listed)}]' {upstream}"
    with suppress(ValueError):
        ip_address(upstream)
        fix = "pulumi config rm egressAllow"  # it holds names alone
    return Refusal("egressAllow", f"does not hold {upstream}, to which all requests go", fix=fix)


def _holds(other: str, name: str) -> bool:
    return other.startswith(".") and f".{name.removeprefix('.')}".endswith(other)
