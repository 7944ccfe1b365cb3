"""Nobody else reads the history: also not a file that an older version or a copy left open."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

_ENDS: Final = ("", "-wal", "-shm", "-journal")
_OTHERS: Final = 0o077
_FILE: Final = 0o600


def make_private(path: Path) -> None:
    """Take from others what they may do with the history, its copies and what was left beside it.

    The folder is closed too if nothing else lies in it. Only what belongs to this user is changed,
    and where modes cannot be set, nothing is.
    """
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        _close_file(path, path.stat())  # it may be a link of the user's own
    try:
        entries = list(os.scandir(path.parent))
    except OSError:
        return
    ours = [entry for entry in entries if _is_ours(entry.name, path)]
    for entry in ours:
        with contextlib.suppress(OSError):
            _close_file(Path(entry.path), entry.stat(follow_symlinks=False))
    if len(ours) == len(entries):
        with contextlib.suppress(OSError):
            _close_folder(path.parent)


def _is_ours(name: str, path: Path) -> bool:
    copies = (f"{path.stem}.version-", f"{path.stem}.damaged-", "leftover-")
    return name in {path.name + end for end in _ENDS} or name.startswith(copies)


def _close_file(path: Path, found: os.stat_result) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and mode & _OTHERS:
        path.chmod(mode & _FILE)


def _close_folder(folder: Path) -> None:
    found = folder.stat()
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid == os.geteuid() and mode & _OTHERS:
        folder.chmod(mode & ~_OTHERS)
