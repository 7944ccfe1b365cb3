"""The history of one kernel, wired: which file, who writes, what is kept.

SQLite and all that goes with it take longer to import than many a cell to run, so nothing of it is
there until there is something to keep.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from greencell.clock import SystemClock
from greencell.guard import Guard
from greencell.model import CellRecord
from greencell.running_session import Session
from greencell.settings import Settings

if TYPE_CHECKING:
    from greencell.history.keeper import Keeper
    from greencell.history.recorder import Recorder
    from greencell.wire import Notice

FILE_NAME: Final = "history.sqlite3"
_NOTHING_DUE_S: Final = 3_600.0


def history_path(data_dir: Path | None) -> Path:
    """Where the history lies: in the folder that was set, or the user's own for such data.

    Raises:
        RuntimeError: this user has no home folder.
    """
    if data_dir is not None:
        return data_dir.absolute() / FILE_NAME
    from platformdirs import user_data_path

    return user_data_path("greencell", appauthor=False).absolute() / FILE_NAME


@dataclass(frozen=True, slots=True)
class Writers:
    """Who keeps a session, and who writes it down."""

    keeper: Keeper
    recorder: Recorder


class History:
    """What is kept of one session.

    It is the session's keeper until there is something to keep. Then it builds the one that knows
    how, hands over what it was told, and is that one's beginning and end only.

    Args:
        build: makes those who write, and may fail; then it is tried again.

    Attributes:
        path: of the file.
        guard: what went wrong when it was built for whoever asked.
    """

    def __init__(self, session: Session, path: Path, build: Callable[[], Writers]) -> None:
        self.path = path
        self.guard = Guard("history")
        self._session = session
        self._build = build
        self._lock = threading.RLock()
        self._ended: list[CellRecord] = []
        self._writers: Writers | None = None

    # -- the session's keeper --------------------------------------------------------------------

    def ended(self, records: Iterable[CellRecord]) -> None:
        """These runs ended, and their figures are final."""
        with self._lock:
            if self._writers is None:
                self._ended.extend(records)
            else:
                self._writers.keeper.ended(records)

    def beat(self) -> float:
        """Note what is due, if there is anything yet; the seconds until something is due again."""
        if not (self._ended or self._session.busy or any(self._session.block_counts)):
            return _NOTHING_DUE_S
        return self.opened().keeper.beat()

    def session_ended(self) -> None:
        """The session is over; one in which nothing ran leaves nothing."""
        ran = self._ended or self._session.cells_in_memory or any(self._session.block_counts)
        if ran or self._writers is not None:
            self.opened().keeper.session_ended()

    def paged_out(self, through: int) -> list[CellRecord]:
        """Read again the finished runs that the file holds, up to this number."""
        return [] if self._writers is None else self._writers.keeper.paged_out(through)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a person should know of the file."""
        return () if self._writers is None else self._writers.keeper.notices

    # -- who writes ------------------------------------------------------------------------------

    def opened(self) -> Writers:
        """Those who write, built where there are none yet."""
        with self._lock:
            if self._writers is None:
                from greencell.late import imported_late

                writers = imported_late(self._build)
                writers.recorder.start()
                writers.keeper.ended(self._ended)
                self._ended = []
                self._session.keeper = writers.keeper
                self._writers = writers
            return self._writers

    def close(self, session: str, timeout_s: float) -> None:
        """Write what waits, or leave it for the next process; idempotent."""
        if self._writers is not None:
            self._writers.recorder.close(session, timeout_s)

    def abandon_after_fork(self) -> None:
        """In a forked child: write nothing, and never close what the parent has open."""
        self._lock = threading.RLock()
        self._ended = []
        if self._writers is not None:
            self._writers.recorder.abandon_after_fork()

    @property
    def words(self) -> str:
        """Where the history is, for ``%greencell status``."""
        writers = self.guard.run(self.opened)
        if writers is None:
            return f"in memory only: {self.guard.last_failure or 'interrupted'}"
        return writers.recorder.words

    @property
    def writer_words(self) -> str:
        """How the thread that writes is, in one line."""
        return (self.guard if self._writers is None else self._writers.recorder.guard).words


def keep(session: Session, settings: Settings, *, alone: bool = False) -> History | None:
    """Have a session kept from now on; ``None`` where that was switched off, or has no place.

    Args:
        alone: leave it out while a process that started this one measures, too. Then the session
            stands in the file from now on.
    """
    if not settings.history:
        return None
    try:
        path = history_path(settings.data_dir)
    except RuntimeError:
        return None

    def build() -> Writers:
        return _writers(session, settings, path, alone=alone)

    session.keeper = history = History(session, path, build)
    if alone:
        history.opened().keeper.session_began()
    return history


def _writers(session: Session, settings: Settings, path: Path, *, alone: bool) -> Writers:
    from greencell.history.ancestry import Ancestry
    from greencell.history.keeper import Keeper, notebook_path
    from greencell.history.process import this_process
    from greencell.history.recorder import Recorder, Retention
    from greencell.history.session_rows import SessionRows

    clock, identity = SystemClock(), this_process()
    retention = Retention(settings.history_max_days, settings.history_max_mb)
    rows = SessionRows(session, identity, clock, notebook_path())
    ancestry = Ancestry(identity) if alone else None
    recorder = Recorder(path, identity, clock, rows, retention, ancestry=ancestry)
    return Writers(Keeper(session, rows, recorder, clock), recorder)
