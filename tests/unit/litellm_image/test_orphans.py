"""Process 1 leaves no zombies, and does not take the event loop's own children away."""

from __future__ import annotations

import os
import time

from claude_gateway.start.orphan_reaper import OrphanReaper, zombie_children


def a_zombie() -> int:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    while pid not in zombie_children():
        time.sleep(0.01)
    return pid


def test_a_zombie_is_reaped_at_the_second_sweep() -> None:
    reaper, pid = OrphanReaper(), a_zombie()
    assert reaper.sweep() == 0
    assert pid in zombie_children()
    assert reaper.sweep() == 1
    assert pid not in zombie_children()


def test_a_zombie_that_its_owner_reaps_in_between_is_no_error() -> None:
    reaper, pid = OrphanReaper(), a_zombie()
    reaper.sweep()
    os.waitpid(pid, 0)
    assert reaper.sweep() == 0
