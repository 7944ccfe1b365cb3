"""The keeper: what of a session goes into the history, and when.

A run that ended after a pause goes at once, of many in a row so many go together; one in progress
goes every few seconds, as what it would be if the kernel were killed now. While nothing runs,
nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from greencell.clock import Clock
from greencell.errors import UsageError
from greencell.history.leftover import Row
from greencell.history.past import past_runs
from greencell.history.session_rows import Picture, SessionRows
from greencell.model import CellRecord
from greencell.units import NS_PER_S
from greencell.wire import Notice

HEART_BEAT_S: Final = 5.0
FIRST_BEATS_S: Final = 1.0
"""So often while a run is young: a short one that is killed should not be told as nothing."""
SESSION_EVERY_S: Final = 1.0
"""The session's own row is renewed no more often: a thousand quick cells need it once."""
HAND_OVER_EVERY_S: Final = 0.1
"""Rows are made no more often: beside each of many quick cells they slow its hooks by a tenth."""
_NOTHING_DUE_S: Final = 3_600.0
_NAME_VARIABLE: Final = "JPY_SESSION_NAME"
_MAX_NAME: Final = 1_000


class Notebook(Protocol):
    """Where rows go."""

    path: Path

    def note(self, rows: Iterable[Row]) -> None:
        """Have these rows written soon."""
        ...

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a person should know of the file."""
        ...


class Keeper:
    """Keeps one session in the history."""

    def __init__(
        self, picture: Picture, rows: SessionRows, recorder: Notebook, clock: Clock
    ) -> None:
        self._picture = picture
        self._rows = rows
        self._recorder = recorder
        self._clock = clock
        self._ended: list[CellRecord] = []
        self._handed_over_ns = 0
        self._noted: set[tuple[str, str]] = set()
        self._noted_ns = 0
        self._session_noted = ""
        self._session_ns = 0
        self._session_waits = False
        self._blocks_noted = ("", (0, 0))

    def session_began(self) -> None:
        """Have the session in the file before anything ends: others look for it there."""
        self._recorder.note([self._session()])

    def ended(self, records: Iterable[CellRecord]) -> None:
        """These runs ended, and their figures are final."""
        self._ended.extend(records)

    def beat(self) -> float:
        """Note what is due; the seconds until something is due again."""
        since_s = (self._clock.monotonic_ns() - self._handed_over_ns) / NS_PER_S
        if since_s >= HAND_OVER_EVERY_S:
            self._hand_over()
        due_s = min(self._note_unfinished(), self._note_blocks())
        return min(due_s, HAND_OVER_EVERY_S - since_s) if self._ended else due_s

    def _hand_over(self) -> None:
        """Note the runs that ended since the last time."""
        if not self._ended:
            return
        self._handed_over_ns = self._clock.monotonic_ns()
        rows = [self._rows.cell(record, "done") for record in self._ended]
        self._recorder.note([*self._session_if_due(), *rows])
        self._ended.clear()

    def _note_unfinished(self) -> float:
        """Note what is in progress where that is due; the seconds until it is due again."""
        if self._session_waits:
            self._recorder.note(self._session_if_due())
        unfinished = self._picture.unfinished()
        if not unfinished:
            self._noted.clear()
            return SESSION_EVERY_S if self._session_waits else _NOTHING_DUE_S
        now_ns = self._clock.monotonic_ns()
        known: set[tuple[str, str]] = {(record.run, record.status) for record in unfinished}
        since_s = (now_ns - self._noted_ns) / NS_PER_S
        young = any(record.duration_s < HEART_BEAT_S for record in unfinished)
        period_s = FIRST_BEATS_S if young else HEART_BEAT_S
        due_s = period_s if known <= self._noted else HAND_OVER_EVERY_S
        if since_s < due_s:
            return due_s - since_s
        self._noted, self._noted_ns = known, now_ns
        rows = [self._rows.cell(record, "running") for record in unfinished]
        self._recorder.note([self._session(), *rows])
        return period_s

    def _note_blocks(self) -> float:
        """Note the session where measured blocks began, ended or go on; when that is due again."""
        now = (self._picture.id, self._picture.block_counts)
        in_progress, ended = now[1]
        is_news = now != self._blocks_noted
        if not in_progress and not (ended and is_news):
            return _NOTHING_DUE_S
        since_s = (self._clock.monotonic_ns() - self._session_ns) / NS_PER_S
        due_s = SESSION_EVERY_S if is_news else HEART_BEAT_S
        if self._session_noted == self._picture.id and since_s < due_s:
            return due_s - since_s
        self._blocks_noted = now
        self._recorder.note([self._session()])
        return HEART_BEAT_S if in_progress else _NOTHING_DUE_S

    def session_ended(self) -> None:
        """The session is over: its row gets its end."""
        self._hand_over()
        if self._picture.cells_in_memory or any(self._picture.block_counts):
            self._recorder.note([self._session()])

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a person should know of the file."""
        return self._recorder.notices

    def paged_out(self, through: int) -> list[CellRecord]:
        """Read again the finished runs that the file holds, up to this number."""
        try:
            return past_runs(self._recorder.path, self._picture.id, through)
        except UsageError:
            return []

    def _session_if_due(self) -> list[Row]:
        """The session's row, if there is none yet or the last one is a second old."""
        since_s = (self._clock.monotonic_ns() - self._session_ns) / NS_PER_S
        known = self._session_noted == self._picture.id
        self._session_waits = known and since_s < SESSION_EVERY_S
        return [] if self._session_waits else [self._session()]

    def _session(self) -> Row:
        self._session_noted, self._session_ns = self._picture.id, self._clock.monotonic_ns()
        self._session_waits = False
        return self._rows.session()


def notebook_path() -> str | None:
    """The path of the notebook, as the server told the kernel when it started."""
    # A path need not be text; as half a character no database takes it.
    name = os.environ.get(_NAME_VARIABLE, "").encode("utf-8", "replace").decode("utf-8")
    return name[:_MAX_NAME] or None
