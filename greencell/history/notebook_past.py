"""One notebook's past: its sessions, and how the energy of each of its cells went over them."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from greencell.errors import UsageError
from greencell.history import statements as sql
from greencell.history.past import reading, session_of
from greencell.report.shape import PAST_RUN, PAST_SESSION
from greencell.report.terminal import visible
from greencell.units import J_PER_KWH

MAX_SESSIONS: Final = 50
MAX_RUNS: Final = 10
MAX_CELLS: Final = 200
_RUNS_READ: Final = 20_000
"""No more rows are looked at, the latest first: someone waits."""
_STEPS: Final = 1_000
_MAX_ID: Final = 200
_MAX_KWH: Final = 1e5
"""A page takes no larger figure for one, nor does anybody run a notebook that used as much."""
_PROVENANCES: Final = ("measured", "estimated", "mixed")


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of a cell cost, in J, at a time in s since the epoch."""

    at: float
    energy_j: float
    low_j: float
    high_j: float
    provenance: str


@dataclass(frozen=True, slots=True)
class CellRuns:
    """The latest good runs of one cell over all sessions, oldest first, and its latest label."""

    cell_id: str
    label: str | None
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class NotebookPast:
    """What is known of one notebook.

    Attributes:
        sessions: the latest, oldest first, as ``past_sessions`` tells them.
        more: whether there are earlier ones.
    """

    sessions: tuple[dict[str, Any], ...]
    more: bool
    cells: tuple[CellRuns, ...]


def past_of_notebook(path: Path, notebook: str, within_s: float) -> NotebookPast:
    """The latest sessions of a notebook, and how its cells' energies went.

    Raises:
        UsageError: there is no history, or it cannot be read within so many seconds.
    """
    end_s = time.monotonic() + within_s
    with reading(path, within_s / 2) as connection:
        connection.text_factory = _legible
        connection.set_progress_handler(lambda: int(time.monotonic() > end_s), _STEPS)
        most = MAX_SESSIONS + 1
        rows = connection.execute(
            sql.SESSIONS_OF_NOTEBOOK, {"notebook": notebook, "most": most}
        ).fetchall()
        kept = rows[:MAX_SESSIONS]
        found: dict[str, list[sqlite3.Row]] = {}
        left = _RUNS_READ
        for row in kept:
            values = {"session": row["id"], "most": left, "j_per_kwh": J_PER_KWH}
            for run in connection.execute(sql.OK_RUNS_OF, values):
                left -= 1
                _take(run, found)
            if left <= 0:
                break
    sessions = [session for session in map(_past_session, reversed(kept)) if session is not None]
    cells = [_cell_runs(cell_id, runs) for cell_id, runs in found.items()]
    return NotebookPast(tuple(sessions), len(rows) > len(kept), tuple(cells))


def _past_session(row: sqlite3.Row) -> dict[str, Any] | None:
    """A session with when it began, in s since the epoch, as ``at``."""
    session = session_of(row)
    if session is None or session["provenance"] not in _PROVENANCES or not session["cells"]:
        return None
    try:
        shown = PAST_SESSION(dict(row), "session")
    except UsageError:
        return None
    at = shown.pop("started_at")
    named = {**session, **shown, "at": at}
    return (
        named
        if at is not None and _is_told(named, "energy", "kwh") and _is_told(named, "co2", "kg")
        else None
    )


def _is_told(session: dict[str, Any], name: str, unit: str) -> bool:
    """Whether a figure lies within its interval, or is unknown with it."""
    low, value, high = (session[f"{name}{end}_{unit}"] for end in ("_low", "", "_high"))
    if value is None or low is None or high is None:
        return value is low is high
    return bool(0.0 <= low <= value <= high <= _MAX_KWH)


def _take(run: sqlite3.Row, found: dict[str, list[sqlite3.Row]]) -> None:
    """Put a run to its cell, where that has not enough of them; the latest come first."""
    cell_id = run["cell_id"]
    if not isinstance(cell_id, str) or not 0 < len(cell_id) <= _MAX_ID:
        return
    if cell_id in found or len(found) < MAX_CELLS:
        runs = found.setdefault(cell_id, [])
        if len(runs) < MAX_RUNS:
            runs.append(run)


def _cell_runs(cell_id: str, rows: list[sqlite3.Row]) -> CellRuns:
    runs = [run for run in map(_run, reversed(rows)) if run is not None]
    label = rows[0]["label"]
    return CellRuns(
        visible(cell_id), visible(label) if isinstance(label, str) else None, tuple(runs)
    )


def _run(row: sqlite3.Row) -> Run | None:
    try:
        read = PAST_RUN(dict(row), "run")
        run = Run(
            read["started_at"], read["energy_j"], read["low_j"], read["high_j"], read["provenance"]
        )
        told = 0.0 <= run.low_j <= run.energy_j <= run.high_j <= _MAX_KWH * J_PER_KWH
        return run if run.at >= 0.0 and told and run.provenance in _PROVENANCES else None
    except (TypeError, UsageError):
        return None


def _legible(text: bytes) -> str:
    return text.decode("utf-8", "replace")
