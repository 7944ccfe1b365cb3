"""Earlier sessions of this notebook, for a page: asked of the disk, which may not answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from greencell.document import JsonObject
from greencell.errors import UsageError
from greencell.history.keeper import notebook_path
from greencell.keeping import history_path
from greencell.running_session import Session
from greencell.settings import Settings
from greencell.units import G_PER_KG, J_PER_KWH
from greencell.wire import Message, number, whole_text

if TYPE_CHECKING:  # SQLite is imported only where somebody asks
    from greencell.history.notebook_past import CellRuns, NotebookPast

WAIT_S: Final = 1.0
_DOCUMENT_WAIT_S: Final = 5.0
"""Of a session with ten thousand cells more is to be read."""
T = TypeVar("T")
_MAX_WORDS: Final = 32
HISTORY_OFF: Final = "The history is off; GREENCELL_HISTORY=on keeps it."
NO_NOTEBOOK: Final = (
    "Nothing told this kernel which notebook it runs, so its earlier sessions are not known; "
    "%greencell history shows those of all notebooks."
)
NO_ANSWER: Final = "The disk with the history does not answer; try again later."
_FIGURES: Final = (("energy", "kwh", "j", J_PER_KWH), ("co2", "kg", "g", G_PER_KG))


class Earlier:
    """What the history tells of this session's notebook."""

    def __init__(self, session: Session, settings: Settings, wait_s: float = WAIT_S) -> None:
        self._session = session
        self._settings = settings
        self._wait_s = wait_s
        self._asking: threading.Thread | None = None

    def message(self) -> Message:
        """Its sessions, this one last, their sum, and the runs of each cell that ran twice.

        Raises:
            UsageError: there is none, or the disk does not answer in time.
        """
        if not self._settings.history:
            raise UsageError(HISTORY_OFF)
        notebook = notebook_path() or self._session.notebook
        if notebook is None:
            raise UsageError(NO_NOTEBOOK)
        past = self._in_time(lambda: self._read(notebook))
        sessions = [_session_message(one) for one in past.sessions]
        here = self._here()
        sessions = [one for one in sessions if one["id"] != here["id"]]
        if here["cells"] > 0:
            sessions.append(here)
        return {
            "notebook": whole_text(notebook),
            "sessions": sessions,
            "more": past.more,
            "total": _total(sessions),
            "cells": [_cell_message(cell) for cell in past.cells if len(cell.runs) > 1],
        }

    def document(self, session: str) -> JsonObject:
        """The session document of a past session, of this notebook or of another.

        Raises:
            UsageError: the history is off, does not hold it, or does not answer in time.
        """
        if not self._settings.history:
            raise UsageError(HISTORY_OFF)
        return self._in_time(lambda: self._read_document(session), _DOCUMENT_WAIT_S)

    def _read(self, notebook: str) -> NotebookPast:
        from greencell.history.notebook_past import past_of_notebook

        return past_of_notebook(self._path(), notebook, self._wait_s)

    def _read_document(self, session: str) -> JsonObject:
        from greencell.history.past import past_document

        return past_document(self._path(), session, self._wait_s)

    def _path(self) -> Path:
        try:
            return history_path(self._settings.data_dir)
        except RuntimeError as error:
            raise UsageError("The history has no place: this user has no home folder.") from error

    def _in_time(self, read: Callable[[], T], wait_s: float | None = None) -> T:
        """What is read; nobody waits longer for a disk that hangs, and one thread at most does."""
        if self._asking is not None and self._asking.is_alive():
            raise UsageError(NO_ANSWER)
        found: queue.SimpleQueue[T | Exception] = queue.SimpleQueue()

        def ask() -> None:
            try:
                found.put(read())
            except (UsageError, OSError) as error:
                found.put(error)

        self._asking = threading.Thread(target=ask, name="greencell-past", daemon=True)
        self._asking.start()
        try:
            answer = found.get(timeout=self._wait_s if wait_s is None else wait_s)
        except queue.Empty:
            raise UsageError(NO_ANSWER) from None
        if isinstance(answer, UsageError):
            raise answer
        if isinstance(answer, Exception):
            raise UsageError(f"The history cannot be read ({answer}).") from answer
        return answer

    def _here(self) -> Message:
        """This session as of now: the file may be some seconds behind."""
        view = self._session.view(live=True)
        totals = view.totals
        energy_j, co2_g = totals.energy_j, totals.co2_g
        return {
            "id": view.id,
            "state": "running",
            "started_at": number(view.started_at),
            "duration_s": number(view.duration_s),
            "cells": totals.cells,
            "label": _shown(view.label),
            "zone": view.carbon.factor.zone,
            "zone_name": view.carbon.zone_name,
            "energy_j": number(energy_j.value),
            "energy_low_j": number(energy_j.low),
            "energy_high_j": number(energy_j.high),
            "co2_g": number(co2_g.value),
            "co2_low_g": number(co2_g.low),
            "co2_high_g": number(co2_g.high),
            "provenance": totals.provenance,
            "flags": list(totals.flags),
            "bases": list(totals.bases),
            "is_here": True,
        }


def _session_message(session: Mapping[str, Any]) -> Message:
    """One session of the history; there it stands in kWh and kg."""
    figures = {
        f"{name}{end}_{unit}": _scaled(session[f"{name}{end}_{stored}"], factor)
        for name, stored, unit, factor in _FIGURES
        for end in ("", "_low", "_high")
    }
    return {
        "id": _shown(session["id"]),
        "state": session["state"],
        "started_at": number(session["at"]),
        "duration_s": number(session["duration_s"]),
        "cells": session["cells"],
        "label": _shown(session["label"]),
        "zone": _shown(session["zone"]),
        "zone_name": _shown(session["zone_name"]),
        **figures,
        "provenance": session["provenance"],
        "flags": [_shown(flag) for flag in session["flags"][:_MAX_WORDS]],
        "bases": [_shown(basis) for basis in session["bases"][:_MAX_WORDS]],
        "is_here": False,
    }


def _shown(text: str | None) -> str | None:
    return None if text is None else whole_text(text)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else number(value * factor)


def _total(sessions: Iterable[Message]) -> Message:
    """The sum, end to end of the intervals: what a meter is wrong by, it is wrong by each time."""
    sessions = list(sessions)
    known = [one for one in sessions if one["energy_j"] is not None]
    names = [f"{n}{end}_{unit}" for n, _, unit, _ in _FIGURES for end in ("", "_low", "_high")]
    kinds = {one["provenance"] for one in known}
    flags = {flag for one in sessions for flag in one["flags"]} - {"too-short"}
    if len(known) < len(sessions):
        flags.add("lost")
    return {
        "sessions": len(sessions),
        "cells": sum(one["cells"] or 0 for one in sessions),
        **{name: number(sum(one[name] or 0.0 for one in known)) for name in names},
        "provenance": kinds.pop() if len(kinds) == 1 else "mixed",
        "flags": sorted(flags),
        "bases": sorted({basis for one in known for basis in one["bases"]}),
    }


def _cell_message(cell: CellRuns) -> Message:
    return {
        "cell_id": _shown(cell.cell_id),
        "label": _shown(cell.label),
        "runs": [
            {
                "at": number(run.at),
                "energy_j": number(run.energy_j),
                "energy_low_j": number(run.low_j),
                "energy_high_j": number(run.high_j),
                "provenance": run.provenance,
            }
            for run in cell.runs
        ],
    }
