"""Processes within processes: what an ancestor measures holds the energy of its descendants.

A script that a notebook's cell starts is in that cell's figure, a worker in its program's. Two
rows of the history would count it twice.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Final

import psutil

from greencell.history import statements as sql
from greencell.history.process import SAME_S
from greencell.history.rows import Identity


class Ancestry:
    """The processes that one descends from, as far as the system tells."""

    def __init__(self, here: Identity) -> None:
        self._here: Final = here
        self._above: list[Identity] | None = None

    def measures(self, connection: sqlite3.Connection, began_at: float) -> bool:
        """Whether one of them has a session in the file that runs, and ran at that time.

        Args:
            began_at: in s since the epoch.
        """
        if self._above is None:
            self._above = self._found()
        moment = {"began_at": began_at, "same_s": SAME_S}
        return any(
            connection.execute(sql.RUNS_SINCE, {**sql.of_process(one), **moment}).fetchone()
            for one in self._above
        )

    def _found(self) -> list[Identity]:
        here, found = self._here, []
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(here.pid).parents():
                with contextlib.suppress(psutil.Error):
                    started = process.create_time()
                    found.append(Identity(here.hostname, here.boot, process.pid, started))
        return found
