"""Which process this is, and whether another one of this machine still lives."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path
from typing import Final

import psutil

from greencell.history.rows import Identity

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_PROCESSES: Final = Path("/proc")
_CODE, _STACK = 23, 25
"""Of what follows the name in ``stat``: the fields startcode and startstack of proc(5)."""
SAME_S: Final = 5.0
"""Start times are computed from ticks and the clock, and differ a little from call to call."""


def this_process() -> Identity:
    """The process that asks."""
    pid = os.getpid()
    return Identity(platform.node(), boot(), pid, psutil.Process().create_time(), image_of(pid))


def boot() -> str:
    """Which boot of the machine this is."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return f"{psutil.boot_time():.0f}"


def image_of(pid: int) -> str | None:
    """Which program a process runs: where its memory begins, which every ``exec`` draws by lot.

    As a digest, since the places themselves are nobody's business. ``None`` where the system does
    not tell it of this process, or draws no lots.
    """
    try:
        text = (_PROCESSES / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        fields = text.rpartition(")")[2].split()
        code, stack = int(fields[_CODE]), int(fields[_STACK])
    except (OSError, ValueError, IndexError):
        return None
    if not stack:  # that of another user
        return None
    return hashlib.blake2b(f"{boot()} {pid} {code} {stack}".encode(), digest_size=8).hexdigest()


def is_gone(other: Identity, here: Identity) -> bool:
    """Whether a process has surely ended, or runs another program; elsewhere nobody can tell."""
    if other.hostname != here.hostname:
        return False
    if other.boot != here.boot:
        return True
    try:
        process = psutil.Process(other.pid)
        started, status = process.create_time(), process.status()
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
    if abs(started - other.started) > SAME_S or status == psutil.STATUS_ZOMBIE:
        return True
    image = image_of(other.pid)
    return other.image is not None and image is not None and image != other.image
