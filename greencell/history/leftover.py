"""What could not be written when a process ended, kept in a small file for the next one."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

from greencell.history.rows import COLUMNS, Values

Table = Literal["session", "cell"]
_PATTERNS: Final = ("leftover-*.jsonl", "leftover-*.unfinished")
"""What is whole, and what its writer may have died over."""
_ABANDONED_S: Final = 60.0
"""Where no lock tells whether somebody still writes, nobody does who was silent for so long."""
_MAX_BYTES: Final = 100_000_000
_NO_TRAPS: Final = sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
)
"""No link is followed, no pipe waited for."""
_MAX_INTEGER: Final = 2**63


@dataclass(frozen=True, slots=True)
class Row:
    """A row on its way into a table."""

    table: Table
    values: Values

    @property
    def key(self) -> tuple[str, object]:
        """What row it is: a later one of the same key takes its place."""
        return self.table, self.values["id" if self.table == "session" else "run"]


def leave(folder: Path, session: str, rows: Iterable[Row]) -> None:
    """Write rows beside the history, for who opens it next.

    Raises:
        OSError: that cannot be done either.
    """
    path = folder / f"leftover-{session}.jsonl"
    unfinished = path.with_suffix(".unfinished")
    flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | _NO_TRAPS
    # Sessions first: of what was cut off, the rest is of use only with its session.
    ordered = sorted(rows, key=lambda row: row.table != "session")
    with open(os.open(unfinished, flags, 0o600), "w", encoding="utf-8") as file:
        _lock(file)
        lines = (json.dumps([row.table, row.values], allow_nan=False) for row in ordered)
        file.writelines(f"{line}\n" for line in lines)
    unfinished.replace(path)


def leftovers(folder: Path) -> Iterator[tuple[Path, list[Row]]]:
    """The files that were left, with their rows; a line that is none is passed over."""
    for path in sorted(one for pattern in _PATTERNS for one in folder.glob(pattern)):
        content = _content(path)
        if content is None:
            continue
        rows = []
        for line in content.splitlines():
            with contextlib.suppress(ValueError, RecursionError):
                row = _row(json.loads(line))
                if row is not None:
                    rows.append(row)
        yield path, rows


def _content(path: Path) -> str | None:
    """What is in a file that was left; ``None`` if it is none, or is still being written."""
    try:
        # Looked at before it is opened: to open a pipe may mean to wait, a device to start it.
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        with open(os.open(path, os.O_RDONLY | _NO_TRAPS), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_BYTES:
                return None
            if path.suffix == ".unfinished" and not _is_abandoned(file, found):
                return None
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def _is_abandoned(file: IO[Any], found: os.stat_result) -> bool:
    """Whether nobody writes a file any more: its writer holds a lock, which ends with it."""
    locked = _lock(file) if found.st_size else None  # without content, before its lock
    if locked is None:
        return time.time() - found.st_mtime > _ABANDONED_S
    return locked


def _lock(file: IO[Any]) -> bool | None:
    """Lock a file for us; whether that was possible, ``None`` where there are no locks."""
    try:
        import fcntl  # not on Windows

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True


def _row(value: object) -> Row | None:
    match value:
        case [("session" | "cell") as table, dict(values)]:
            # The names go into a statement, so they are ours or the row is none.
            named = (
                set(values) <= COLUMNS[table] and ("id" if table == "session" else "run") in values
            )
            return Row(table, values) if named and all(map(_storable, values.values())) else None
    return None


def _storable(value: object) -> bool:
    """Whether the database takes a value; half a character or a huge number it does not."""
    if isinstance(value, str):
        return value.isascii() or value.encode("utf-8", "ignore").decode("utf-8") == value
    if isinstance(value, int):
        return abs(value) < _MAX_INTEGER
    return value is None or isinstance(value, float)
