"""The history of one kernel, wired: which file, who writes, what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from greencell.clock import SystemClock
from greencell.session import Session
from greencell.settings import Settings

if TYPE_CHECKING:  # SQLite is imported only where a history is kept
    from greencell.history.recorder import Recorder

FILE_NAME: Final = "history.sqlite3"


def history_path(data_dir: Path | None) -> Path:
    """Where the history lies: in the folder that was set, or the user's own for such data.

    Raises:
        RuntimeError: this user has no home folder.
    """
    if data_dir is not None:
        return data_dir.absolute() / FILE_NAME
    from platformdirs import user_data_path

    return user_data_path("greencell", appauthor=False).absolute() / FILE_NAME


def keep(session: Session, settings: Settings, *, alone: bool = False) -> Recorder | None:
    """Have a session kept from now on; ``None`` where that was switched off, or has no place.

    Args:
        alone: leave it out while a process that started this one measures, too.
    """
    if not settings.history:
        return None
    from greencell.history.ancestry import Ancestry
    from greencell.history.keeper import Keeper, notebook_path
    from greencell.history.process import this_process
    from greencell.history.recorder import Recorder, Retention
    from greencell.history.session_rows import SessionRows

    try:
        path = history_path(settings.data_dir)
    except RuntimeError:
        return None
    clock, identity = SystemClock(), this_process()
    retention = Retention(settings.history_max_days, settings.history_max_mb)
    rows = SessionRows(session, identity, clock, notebook_path())
    ancestry = Ancestry(identity) if alone else None
    recorder = Recorder(path, identity, clock, rows, retention, ancestry=ancestry)
    session.keeper = keeper = Keeper(session, rows, recorder, clock)
    if alone:
        keeper.session_began()
    return recorder
