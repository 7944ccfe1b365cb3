"""Opening the file of the history, whatever has become of it.

A damaged file is set aside under another name and a fresh one begun; a file from a newer
greencell is not touched; where nothing can be written the history is not kept. Nothing is ever
deleted here, and no one waits: what is busy now is tried again later.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from greencell.history.private import make_private
from greencell.history.schema import MIGRATIONS, migrate, version_of

BUSY_S: Final = 0.25
"""So long SQLite itself waits for other writers; the rest is our own retrying."""
CHECK_S: Final = 2.0
"""The check of a large file ends after so long; it is a look, not a proof."""
_NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "lustre", "gpfs", "ceph", "afs", "beegfs"}
)
"""File systems on which SQLite's write-ahead log does not work: its memory is not shared."""
_STEPS: Final = 10_000


class Unavailable(Exception):
    """The history cannot be kept now; the words say why."""


class Newer(Unavailable):
    """The file is of a newer greencell, and stays as it is."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file.

    Attributes:
        inode: which file it was when it was opened.
        set_aside: where a damaged one was put, if there was one.
    """

    connection: sqlite3.Connection
    inode: int
    set_aside: Path | None = None


def open_database(path: Path, migrations: Sequence[str] = MIGRATIONS) -> Opened:
    """Open the file, make it if there is none.

    Raises:
        Unavailable: it cannot be opened, or not now.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = _set_aside(path) if path.is_dir() else None
        refuse_what_is_no_file(path)
        try:
            return _opened(path, migrations, aside)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            return _opened(path, migrations, _set_aside(path))
    except sqlite3.Error as error:
        raise Unavailable(words_of(error)) from error
    except OSError as error:
        raise Unavailable(f"{path.parent} cannot be written ({error.strerror})") from error


def refuse_what_is_no_file(path: Path) -> None:
    """SQLite opens what has the name of the history or of its logs, and waits for a pipe for ever.

    Raises:
        Unavailable: one of them is a pipe, a device or the like.
    """
    for end in ("", "-wal", "-shm", "-journal"):
        one = Path(f"{path}{end}")
        if one.exists() and not one.is_file():
            raise Unavailable(f"{one.name} is no file")


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, and not only busy, full or out of reach."""
    text = str(error)
    return "not a database" in text or "malformed" in text


def is_busy(error: sqlite3.Error) -> bool:
    """Whether others use the file just now."""
    text = str(error)
    return "locked" in text or "busy" in text


def words_of(error: sqlite3.Error) -> str:
    """What SQLite says, in one line without a path."""
    return " ".join(str(error).split())[:120] or type(error).__name__


def _opened(path: Path, migrations: Sequence[str], aside: Path | None) -> Opened:
    if not path.exists():
        # Made by us, so that nobody else may read it from its first byte on. A file that is there
        # must not be opened beside SQLite: closing it would drop SQLite's locks on it.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600))
    make_private(path)
    # One thread writes; at the end another one closes.
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    with contextlib.ExitStack() as unless_opened:
        unless_opened.callback(connection.close)
        version = version_of(connection)
        if version > len(migrations):
            raise Newer(f"it is of a newer greencell (version {version})")
        _choose_journal(connection, path)
        if version < len(migrations):
            if version > 0:
                _back_up(connection, path, version)
            migrate(connection, migrations)
        connection.execute("pragma synchronous = normal")
        connection.execute("pragma foreign_keys = on")
        _check(connection)
        opened = Opened(connection, path.stat().st_ino, aside)
        unless_opened.pop_all()
    return opened


def _choose_journal(connection: sqlite3.Connection, path: Path) -> None:
    """A write-ahead log where that works; only a write tells."""
    wanted = "delete" if file_system(path) in _NETWORK else "wal"
    (mode,) = connection.execute(f"pragma journal_mode = {wanted}").fetchone()
    if mode != "wal":
        return
    try:
        connection.execute("begin immediate")
        connection.execute("commit")
    except sqlite3.OperationalError as error:
        if is_busy(error):
            raise
        connection.execute("pragma journal_mode = delete")


def file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """The kind of file system that holds a path; empty where that is not told."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
        place = os.fspath(path.resolve())
    except OSError:
        return ""
    best, kind = "", ""
    for fields in (line.split() for line in lines):
        if len(fields) < 3:  # noqa: PLR2004  # device, mount point, kind
            continue
        point = fields[1].rstrip("/") or "/"
        inside = place == point or place.startswith(point if point == "/" else f"{point}/")
        if inside and len(point) >= len(best):
            best, kind = point, fields[2].removeprefix("fuse.")
    return kind


def _check(connection: sqlite3.Connection) -> None:
    """A quick look through the file: a bad page in the middle stops no write by itself."""
    end_s = time.monotonic() + CHECK_S
    connection.set_progress_handler(lambda: int(time.monotonic() > end_s), _STEPS)
    try:
        (found,) = connection.execute("pragma quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if "interrupt" not in str(error):
            raise
        found = "ok"
    finally:
        connection.set_progress_handler(None, _STEPS)
    if found != "ok":
        raise sqlite3.DatabaseError("database disk image is malformed")


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """A copy of the older file, made once."""
    copy = path.with_name(f"{path.stem}.version-{version}{path.suffix}")
    if copy.exists():
        return
    # As private as the file itself.
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    target = sqlite3.connect(copy)
    with contextlib.closing(target):
        connection.backup(target)


def _set_aside(path: Path) -> Path:
    """Give a damaged file another name, with what belongs to it."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    number, aside = 0, path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.stem}.damaged-{stamp}-{number}{path.suffix}")
    path.rename(aside)
    for end in ("-wal", "-shm", "-journal"):
        with contextlib.suppress(OSError):
            Path(f"{path}{end}").rename(f"{aside}{end}")
    return aside
