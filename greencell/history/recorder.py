"""The recorder: rows wait here until they are on disk, and one thread writes them.

Whoever hands over a row goes on at once, whatever the disk does. A row of the same run takes the
earlier one's place, so what waits stays small; writing a row twice harms nothing, so whatever
fails is simply tried again.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from greencell.clock import Clock
from greencell.deadline import within
from greencell.guard import Guard
from greencell.history import statements as sql
from greencell.history.ancestry import Ancestry
from greencell.history.database import (
    Newer,
    Opened,
    Unavailable,
    is_damage,
    open_database,
    words_of,
)
from greencell.history.leftover import Row, Table, leave
from greencell.history.rows import Identity
from greencell.history.tidying import tidy
from greencell.history.transaction import Transaction
from greencell.sampler import Sampler
from greencell.translation import translatable
from greencell.wire import Notice

RETRY_S: Final = 0.5
MAX_RETRY_S: Final = 4.0
"""A disk that was full or out of reach for a while gets its rows soon after; a try costs little."""
MAX_WAITING: Final = 10_000
GATHER_S: Final = 0.1
"""A row after a pause is written at once; of many in a row, so many go together."""
_NOTHING_DUE_S: Final = 3_600.0
_LEAVE_S: Final = 0.3
_DAY_S: Final = 86_400.0
_SILENT_TRIES: Final = 4
"""A file that is busy for a moment is nothing to tell of."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long and how much is kept; ``None``: for ever, and all."""

    max_age_days: float | None = None
    max_size_mb: float | None = None


class Rows(Protocol):
    """What a session has to write."""

    def everything(self) -> Iterable[Row]:
        """All rows that memory holds."""
        ...

    def page_out(self, is_on_disk: Callable[[str], bool]) -> None:
        """Have memory let go of runs that lie on disk."""
        ...


class Recorder:
    """Writes one process's sessions into the history.

    Args:
        path: of the file; its folder is made.
        rows: of the session that is running, for a file that has to begin anew.
        ancestry: given where a session is to be left out as long as an ancestor measures it, too.

    Attributes:
        path: of the file.
    """

    def __init__(
        self,
        path: Path,
        identity: Identity,
        clock: Clock,
        rows: Rows,
        retention: Retention | None = None,
        *,
        ancestry: Ancestry | None = None,
    ) -> None:
        self.path = path
        self._identity = identity
        self._clock = clock
        self._rows = rows
        self._retention = retention or Retention()
        self._ancestry = ancestry
        self._guard = Guard("history", clock.monotonic_ns)
        self._thread = Sampler(self._beat, clock, self._guard, "greencell-history")
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, object], Row] = {}
        self._dropped = 0
        self._opened: Opened | None = None
        self._tries = 0
        self._written_ns = 0
        self._problem = ""
        self._set_aside: Path | None = None
        self._is_newer = False
        self._closing = False
        self._pid = os.getpid()

    @property
    def guard(self) -> Guard:
        """What went wrong in the thread beyond all that is foreseen."""
        return self._guard

    def start(self) -> None:
        """Open the file, beside everything else."""
        self._thread.start()
        if self._thread.refused:
            self._guard.run(self._beat)

    def note(self, rows: Iterable[Row]) -> None:
        """Have these rows written soon. Never waits for a disk."""
        with self._lock:
            is_first = not self._waiting
            for row in rows:
                if row.key in self._waiting or len(self._waiting) < MAX_WAITING:
                    self._waiting[row.key] = row
                else:
                    self._dropped += 1
        if self._waiting and (is_first or not self._thread.alive):
            self._wake()

    def _wake(self) -> None:
        """Have the thread write; it is started again where it has ended.

        Where this process can start none, what waits is written here.
        """
        if self._closing or os.getpid() != self._pid:
            return
        self._thread.start()
        if self._thread.refused:
            self._guard.run_unless_resting(self._beat)
        else:
            self._thread.wake()

    def close(self, session: str, timeout_s: float) -> None:
        """Write what waits, or leave it for the next process; idempotent."""
        if os.getpid() != self._pid:
            return
        deadline_ns = self._clock.monotonic_ns() + int(timeout_s * 1e9)
        self._closing = True
        self._thread.wake()
        while self._waiting and not self._is_newer and self._clock.monotonic_ns() < deadline_ns:
            self._clock.sleep_s(0.01)
        self._thread.stop(_LEAVE_S)
        # On a disk that hangs even this would hang.
        within(_LEAVE_S, partial(self._finish, session))

    def abandon_after_fork(self) -> None:
        """In a forked child: write nothing, and never close what the parent has open."""
        self._lock = threading.Lock()
        self._waiting = {}
        if self._opened is not None:
            # One reference more than there are: it is never finalised here.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._opened.connection))

    # -- words ---------------------------------------------------------------------------------

    @property
    def words(self) -> str:
        """Where the history is, for ``%greencell status``."""
        waiting = f", {len(self._waiting)} rows waiting" if self._waiting else ""
        if self._problem:
            return f"in memory only: {self._problem}{waiting}"
        return f"{self.path}{waiting}"

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a person should know, each once."""
        found = []
        if self._problem and (self._is_newer or self._tries >= _SILENT_TRIES):
            text = translatable(
                f"The history is not saved: {self._problem}. This session is kept in memory."
            )
            again = translatable(
                "it is tried again by itself; GREENCELL_DATA_DIR names another folder"
            )
            remedy = "pip install --upgrade greencell" if self._is_newer else again
            found.append(Notice("history", "info", text, remedy, self._problem))
        if self._set_aside is not None:
            name = self._set_aside.name
            text = translatable(
                f"The history file was damaged; it was kept as {name}, and a fresh one was begun."
            )
            found.append(Notice("history-damaged", "info", text, about=name))
        if self._dropped:
            dropped = str(self._dropped)
            text = translatable(f"Rows of the history that could not be kept: {dropped}")
            found.append(Notice("history-dropped", "warning", text, about=dropped))
        return tuple(found)

    # -- the thread ----------------------------------------------------------------------------

    def _beat(self) -> float:
        if os.getpid() != self._pid or self._is_newer:
            return _NOTHING_DUE_S
        gather_s = GATHER_S - (self._clock.monotonic_ns() - self._written_ns) / 1e9
        if gather_s > 0.0 and self._waiting and not self._closing:
            return gather_s
        return self._write_all()

    def _write_all(self) -> float:
        """Write what waits; the seconds until it should be tried again."""
        try:
            opened = self._ensure_open()
            self._write(opened.connection)
        except Newer as error:
            self._problem, self._is_newer = str(error), True
            return _NOTHING_DUE_S
        except Unavailable as error:
            return self._later(str(error))
        except sqlite3.Error as error:
            if is_damage(error):
                self._close_connection()
            return self._later(words_of(error))
        except OSError as error:
            self._close_connection()
            return self._later(error.strerror or "the disk does not answer")
        self._tries, self._problem = 0, ""
        # What came while this was written did not wake us.
        return GATHER_S if self._waiting else _NOTHING_DUE_S

    def _later(self, problem: str) -> float:
        self._tries += 1
        self._problem = problem
        return float(min(MAX_RETRY_S, RETRY_S * 2 ** min(10, self._tries - 1)))

    def _ensure_open(self) -> Opened:
        if self._opened is not None:
            try:
                if self.path.stat().st_ino == self._opened.inode:
                    return self._opened
            except FileNotFoundError:
                pass
        opened = open_database(self.path)
        if self._opened is not None:
            # Somebody set it aside or took it away; what is open can be read all the same.
            self._begin_anew(opened.connection, _rows_of(self._opened.connection, self._identity))
            self._close_connection()
        elif opened.set_aside is not None:
            self._set_aside = opened.set_aside
            self._begin_anew(opened.connection, _rows_left(opened.set_aside, self._identity))
        self._opened = opened
        self._tidy(opened.connection)
        return opened

    def _begin_anew(self, fresh: sqlite3.Connection, former: Iterable[Row]) -> None:
        """All of this session goes into a fresh file, also what only the former one held."""
        self.note(self._rows.everything())
        _put(fresh, former, sql.ALWAYS)

    def _close_connection(self) -> None:
        if self._opened is not None:
            with suppress(sqlite3.Error):
                self._opened.connection.close()
            self._opened = None

    def _write(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            rows = dict(self._waiting)
        if not rows:
            return
        if not self._is_counted_elsewhere(connection, rows.values()):
            _put(connection, rows.values(), sql.ALWAYS)
        self._rows.page_out(lambda run: bool(connection.execute(sql.IS_DONE, (run,)).fetchone()))
        self._written_ns = self._clock.monotonic_ns()
        with self._lock:
            for key, row in rows.items():
                if self._waiting.get(key) is row:
                    del self._waiting[key]

    def _is_counted_elsewhere(self, connection: sqlite3.Connection, rows: Iterable[Row]) -> bool:
        """Whether an ancestor's session holds these; then none of them stays in the file."""
        if self._ancestry is None:
            return False
        sessions = [row.values for row in rows if row.table == "session"]
        began_at = max((float(values["started_at"] or 0.0) for values in sessions), default=0.0)
        if not sessions or not self._ancestry.measures(connection, began_at):
            return False
        with Transaction(connection):
            for values in sessions:
                connection.execute(sql.FORGET_ONE, {"id": values["id"]})
        return True

    def _tidy(self, connection: sqlite3.Connection) -> None:
        """What is due when a file is opened: the dead, what they left, what is too old."""
        tidy(connection, self.path.parent, self._identity, _put)
        keep(connection, self._retention, self._clock.wall_s())

    def _finish(self, session: str) -> None:
        """Leave what waits to the next process, and close the file."""
        with self._lock:
            rows = list(self._waiting.values())
        if rows and not self._is_newer:
            with suppress(OSError, ValueError):
                leave(self.path.parent, session, rows)
        if not self._thread.alive:
            self._close_connection()


def keep(connection: sqlite3.Connection, retention: Retention, now_s: float) -> int:
    """Delete what is older or more than what is to be kept; how many sessions that were."""
    deleted = 0
    if retention.max_age_days is not None:
        with Transaction(connection):
            before = now_s - retention.max_age_days * _DAY_S
            deleted += connection.execute(sql.FORGET_BEFORE, {"before": before}).rowcount
    if retention.max_size_mb is not None:
        while size_mb(connection) > retention.max_size_mb:
            oldest = connection.execute(sql.OLDEST).fetchone()
            if oldest is None:
                break
            with Transaction(connection):
                connection.execute(sql.FORGET_ONE, {"id": oldest[0]})
            deleted += 1
    return deleted


def size_mb(connection: sqlite3.Connection) -> float:
    """What the rows take, in MB; free pages, which are used again, do not count."""
    pragmas = ("page_count", "freelist_count", "page_size")
    pages, free, size = (connection.execute(f"pragma {p}").fetchone()[0] for p in pragmas)
    return float((pages - free) * size) / 1e6


def _rows_of(connection: sqlite3.Connection, identity: Identity) -> list[Row]:
    """The rows of one process's sessions, as far as the file can be read."""
    tables: tuple[tuple[Table, str], ...] = (
        ("session", sql.SESSIONS_OF), ("cell", sql.CELLS_OF),
    )  # fmt: skip
    rows: list[Row] = []
    with suppress(sqlite3.Error):
        for table, text in tables:
            cursor = connection.execute(text, sql.of_process(identity))
            names = [column[0] for column in cursor.description]
            rows.extend(Row(table, dict(zip(names, row, strict=True))) for row in cursor)
    return rows


def _rows_left(damaged: Path, identity: Identity) -> list[Row]:
    """The same of a file that was set aside, in which nothing is changed any more."""
    with suppress(sqlite3.Error):
        address = f"{damaged.absolute().as_uri()}?immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return _rows_of(connection, identity)
    return []


def _put(connection: sqlite3.Connection, rows: Iterable[Row], session_stays: str) -> None:
    # Sessions first: a run belongs to one.
    ordered = sorted(rows, key=lambda row: row.table != "session")
    with Transaction(connection):
        for row in ordered:
            if row.table == "session":
                text = sql.upsert("session", "id", row.values, session_stays)
            else:
                text = sql.upsert("cell", "run", row.values, sql.CELL_STAYS)
            connection.execute(text, row.values)
