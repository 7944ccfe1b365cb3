"""What is due when the history is opened: sessions of dead processes, and what those left."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

from greencell.history import statements as sql
from greencell.history.database import is_busy, is_damage
from greencell.history.leftover import Row, leftovers
from greencell.history.process import is_gone
from greencell.history.rows import Identity, identity_of
from greencell.history.transaction import Transaction

Put = Callable[[sqlite3.Connection, Iterable[Row], str], None]


def tidy(connection: sqlite3.Connection, folder: Path, here: Identity, put: Put) -> None:
    """Mark sessions of dead processes as lost, and take in the rows that they left.

    Args:
        put: writes rows in a transaction.
    """
    lose_the_dead(connection, here)
    for path, rows in leftovers(folder):
        try:
            put(connection, rows, sql.SESSION_STAYS)
        except sqlite3.DatabaseError as error:
            _raise_if_later(error)
            _put_each(connection, rows, put)
            with contextlib.suppress(OSError):
                path.replace(path.with_suffix(".unreadable"))
        else:
            with contextlib.suppress(
                OSError
            ):  # it is read once more the next time, which is no harm
                path.unlink(missing_ok=True)


def lose_the_dead(connection: sqlite3.Connection, here: Identity) -> None:
    """A session whose process has surely ended, or runs another program by now, is lost."""
    cursor = connection.execute(sql.RUNNING)
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    gone = [row["id"] for row in rows if is_gone(identity_of(row), here)]
    if not gone:
        return
    with Transaction(connection):
        for session in gone:
            connection.execute(sql.LOSE_SESSION, (session,))
        connection.execute(sql.LOSE_CELLS)


def _put_each(connection: sqlite3.Connection, rows: Iterable[Row], put: Put) -> None:
    """Each row alone, sessions first: one that the database does not take spoils no other."""
    for row in sorted(rows, key=lambda row: row.table != "session"):
        try:
            put(connection, [row], sql.SESSION_STAYS)
        except sqlite3.DatabaseError as error:
            _raise_if_later(error)


def _raise_if_later(error: sqlite3.DatabaseError) -> None:
    """What is no fault of the rows is tried again later, with all of them."""
    if is_busy(error) or is_damage(error) or "full" in str(error):
        raise error
