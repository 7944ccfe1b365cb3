"""What evidence says, and how its files are read: they may hold anything, and stop no start."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")
_MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Evidence:
    """A cloud, or only the platform that runs on one.

    Attributes:
        witness: who says it, e.g. ``cloud-init``.
        provider: our name of the cloud, e.g. ``aws``; ``None`` where only a platform is known.
        regions: what may be its region, the likeliest first.
        platform: the product that the notebook runs on, where it is one.
        place: code of the country or state that it names itself; empty if it names none.
    """

    witness: str
    provider: str | None = None
    regions: tuple[str, ...] = ()
    platform: str = ""
    place: str = ""


def region_names(*texts: object) -> tuple[str, ...]:
    """Those texts that are names of regions, in lower case; evidence may hold anything."""
    names = (text.strip().lower() for text in texts if isinstance(text, str))
    return tuple(dict.fromkeys(name for name in names if _NAME.fullmatch(name)))


def read_text(path: Path) -> str:
    """The beginning of a regular file; empty if it is none, or cannot be read."""
    # A pipe in its place must not hold the start.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError):
        return ""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return os.read(descriptor, _MAX_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
