"""Past sessions: read from the history, and forgotten on request."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from greencell.errors import UsageError
from greencell.history import statements as sql
from greencell.history.database import BUSY_S, Unavailable, refuse_what_is_no_file, words_of
from greencell.history.process import is_gone, this_process
from greencell.history.rows import Identity, identity_of, record_of
from greencell.history.schema import MIGRATIONS, version_of
from greencell.model import CellRecord
from greencell.report.shape import BLOCKS, CELL, SESSION, TOTALS

_DAY_S: Final = 86_400.0
_WAIT_S: Final = 20 * BUSY_S
_WHERE: Final = (
    "where started_at >= :since and (:notebook is null or notebook = :notebook "
    "or notebook like '%/' || :pattern escape '\\')"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions are meant.

    Attributes:
        since: from when on, in s since the epoch.
        notebook: its path, or the end of it.
    """

    since: float = 0.0
    notebook: str | None = None

    @classmethod
    def of(cls, now_s: float, days: float | None, notebook: str | None) -> Wanted:
        """The sessions of the last ``days``, of a notebook."""
        return cls(0.0 if days is None else now_s - days * _DAY_S, notebook)

    @property
    def values(self) -> dict[str, object]:
        """For the statements."""
        pattern = None
        if self.notebook is not None:
            pattern = self.notebook
            for sign in ("\\", "%", "_"):
                pattern = pattern.replace(sign, f"\\{sign}")
        return {"since": self.since, "notebook": self.notebook, "pattern": pattern}


def past_sessions(path: Path, wanted: Wanted) -> list[dict[str, Any]]:
    """The sessions, oldest first: energies in kWh, masses in kg, as in the session document.

    Raises:
        UsageError: there is no history, or it cannot be read.
    """
    with reading(path) as connection:
        rows = connection.execute(
            f"select * from session {_WHERE} order by started_at",  # noqa: S608  # a constant
            wanted.values,
        ).fetchall()
    here = this_process()
    return [
        {**session, "state": _state(row, here)}
        for row, session in ((row, session_of(row)) for row in rows)
        if session is not None
    ]


def _state(row: sqlite3.Row, here: Identity) -> str:
    """How a session stands; whose process ended is lost, also before a kernel marks it."""
    state = str(row["state"])
    return "lost" if state == "running" and is_gone(identity_of(dict(row)), here) else state


def past_runs(path: Path, session: str, through: int) -> list[CellRecord]:
    """A session's finished runs up to a number, in the order in which they ended.

    Raises:
        UsageError: there is no history, or it cannot be read.
    """
    with reading(path) as connection:
        rows = connection.execute(sql.RUNS_OF, {"session": session, "through": through}).fetchall()
    return [record for record in map(record_of, rows) if record is not None]


def past_document(path: Path, session: str, within_s: float = _WAIT_S) -> dict[str, Any]:
    """The session document of a session as the history holds it.

    Raises:
        UsageError: it holds no such session, or cannot be read.
    """
    values = {"session": session}
    with reading(path, within_s) as connection:
        row = connection.execute(sql.SESSION_OF, values).fetchone()
        rows = connection.execute(sql.DOCUMENTS_OF, values).fetchall() if row is not None else []
    if row is None or session_of(row) is None:
        raise UsageError(
            "The history does not hold this session; %greencell history lists those it holds."
        )
    document: dict[str, Any] = json.loads(row["document"])
    document.pop("process", None)  # the history's own
    cells = [cell for cell in map(_cell_of, rows) if cell is not None]
    not_listed = max(0, (row["cells"] or 0) - sum(cell["parent"] is None for cell in cells))
    document["totals"]["cells_not_listed"] = not_listed
    return {**document, "cells": cells}


def _cell_of(row: sqlite3.Row) -> dict[str, Any] | None:
    """A cell as the document lists it; one that no greencell wrote hides no other."""
    try:
        cell: dict[str, Any] = json.loads(row["document"])
        CELL(cell, "cell")
    except (RecursionError, TypeError, UsageError, ValueError):
        return None
    return {"parent": None, **cell}


def forget(path: Path, wanted: Wanted) -> int:
    """Delete sessions that are over, with their cells; how many.

    Raises:
        UsageError: there is no history, or it cannot be written.
    """
    with reading(path) as connection:
        connection.execute("pragma foreign_keys = on")
        done = connection.execute(
            f"delete from session {_WHERE} and state <> 'running'",  # noqa: S608  # a constant
            wanted.values,
        )
        connection.commit()
        with contextlib.suppress(sqlite3.OperationalError):  # others are writing: next time
            connection.execute("vacuum")
        return done.rowcount


@contextlib.contextmanager
def reading(path: Path, wait_s: float = _WAIT_S) -> Iterator[sqlite3.Connection]:
    """A connection that waits so long for writers; what SQLite says becomes one line."""
    try:
        if not path.is_file():
            raise UsageError(f"There is no history yet ({path}); it begins with the first cell.")
        refuse_what_is_no_file(path)
    except (OSError, Unavailable) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path} cannot be read: {why}.") from error
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=wait_s)
        connection.row_factory = sqlite3.Row
        if version_of(connection) > len(MIGRATIONS):
            raise UsageError(f"{path} is of a newer greencell; pip install --upgrade greencell.")
        yield connection
    except sqlite3.Error as error:
        raise UsageError(f"{path} cannot be read: {words_of(error)}.") from error
    finally:
        if connection is not None:
            connection.close()


def session_of(row: sqlite3.Row) -> dict[str, Any] | None:
    """One session, its energies in kWh; a row that no greencell wrote hides no other."""
    try:
        document = json.loads(row["document"])
        session = SESSION(document["session"], "session")
        totals = TOTALS(document["totals"], "totals")
        blocks = BLOCKS(document.get("blocks"), "blocks")
    except (AttributeError, KeyError, RecursionError, TypeError, UsageError, ValueError):
        return None
    return {
        "id": row["id"],
        "state": row["state"],
        "notebook": row["notebook"],
        **{key: session[key] for key in ("started_at", "ended_at", "duration_s", "label")},
        "zone": row["zone"],
        "zone_name": row["zone_name"],
        **{key: value for key, value in totals.items() if key != "by_component_kwh"},
        "blocks": blocks,
    }
