"""What a process can do so that others of its own user do not read it."""

from __future__ import annotations

import ctypes
import os

PR_SET_DUMPABLE = 4  # linux/prctl.h


def deny_memory_access() -> None:
    """Close /proc/PID/environ, mem and fd of this process to its own user (prctl(2), PR_SET_DUMPABLE), and core dumps.

    The CLI runs as the same user. It gets no tool and no file access; this is the second wall.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl(PR_SET_DUMPABLE): {os.strerror(ctypes.get_errno())}")
