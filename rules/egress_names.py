"""The names on an egress proxy's list. Pure functions."""

from collections.abc import Iterable


def fewest(names: Iterable[str]) -> list[str]:
    """Returns ``names`` in order, without those that another one holds: ``.example.org`` holds itself and all below it.

    Squid does not start with ``.a.example.org`` before ``.example.org`` on its list ("is a subdomain of").
    """
    wanted = set(names)
    return sorted(name for name in wanted if not any(_holds(other, name) for other in wanted - {name}))


def _holds(other: str, name: str) -> bool:
    return other.startswith(".") and f".{name.removeprefix('.')}".endswith(other)
