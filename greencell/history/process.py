"""Which process this is, and whether another one of this machine still lives."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Final

import psutil

from greencell.history.rows import Identity

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
SAME_S: Final = 5.0
"""Start times are computed from ticks and the clock, and differ a little from call to call."""


def this_process() -> Identity:
    """The process that asks."""
    return Identity(platform.node(), boot(), os.getpid(), psutil.Process().create_time())


def boot() -> str:
    """Which boot of the machine this is."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return f"{psutil.boot_time():.0f}"


def is_gone(other: Identity, here: Identity) -> bool:
    """Whether a process has surely ended; of another machine nobody can tell."""
    if other.hostname != here.hostname:
        return False
    if other.boot != here.boot:
        return True
    try:
        started = psutil.Process(other.pid).create_time()
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
    return abs(started - other.started) > SAME_S
