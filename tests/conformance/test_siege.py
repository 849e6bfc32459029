"""All attacks at all default limits at once, for some seconds (`make bench-siege` goes on, and looks at the clock)."""

from __future__ import annotations

from testbed import siege
from testbed.container import docker

SECONDS = 8


def test_others_are_served_while_everything_is_attacked() -> None:
    """95 connections each: bodies of a million JSON values, bodies that stop, no key, and HTTP/2 rapid reset."""
    with siege.stack() as besieged:
        seen, tries = besieged.besieged(SECONDS)
        assert int(docker("inspect", "--format", "{{.RestartCount}}", besieged.container)) == 0
    assert all(tries[kind] for kind in siege.SOURCES), tries
    assert seen.times
    assert not seen.wrong
    assert not seen.not_ready
    assert seen.memory < siege.MEMORY_SHARE * seen.limit
