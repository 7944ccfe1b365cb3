"""Wire version 1: the messages between kernel and browser, without I/O. See ``docs/wire.md``.

Energies in J, power in W, masses in g, times in s since the epoch. Numbers are cut to nine
digits: ten times finer than any meter, and a tick stays under 1 KB.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from greencell import document
from greencell.ledger import RunningFigure
from greencell.model import CellRecord, Component, Interval, SessionView, Totals
from greencell.version import __version__

WIRE_VERSION: Final = 1
COMM_ID: Final = "greencell"
REQUEST_TYPE: Final = "greencell_request"
REPLY_TYPE: Final = "greencell_reply"
MAX_TEXT: Final = 200
MAX_RECORDS: Final = 5_000
PAGE_RECORDS: Final = 1_000
"""So many earlier records are one answer."""

_GROWING: Final = ("energy_j", "co2_g", "duration_s")
Kind = Literal["hello", "snapshot", "tick", "cell-start", "cell-end", "status"]
Message = dict[str, Any]  # JSON


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know, with what to do about it.

    Attributes:
        about: the part of the text that is a name or a figure, which no translator knows.
    """

    id: str
    level: Literal["info", "warning"]
    text: str
    remedy: str = ""
    about: str = ""


class BadRequest(Exception):
    """A request that is refused; ``str`` is the one line of the answer."""


def envelope(kind: Kind, seq: int, session: str, t: float, body: Mapping[str, object]) -> Message:
    """A message ready to send."""
    return {"wire": WIRE_VERSION, "kind": kind, "seq": seq, "session": session, "t": t, **body}


def info_object(view: SessionView) -> Message:
    """What stays the same during a session."""
    return {
        "greencell_version": __version__,
        "started_at": view.started_at,
        "attribution": view.attribution,
        "host": document.host_object(view.host),
        "sources": document.source_objects(view),
        "skipped": [document.skipped_object(skipped) for skipped in view.skipped],
        "carbon": document.carbon_object(view.carbon),
    }


def totals_object(totals: Totals, duration_s: float) -> Message:
    """The session's sums."""
    return {
        "cells": totals.cells,
        **_figures(totals.energy_j, totals.co2_g),
        "between_cells_j": number(totals.between_cells_energy_j),
        "machine_j": number(totals.machine_energy_j),
        "others_j": number(totals.others_energy_j),
        "idle_j": number(totals.idle_energy_j),
        "node_j": number(totals.node_energy_j),
        "by_component_j": _components(totals.by_component_j),
        "provenance": totals.provenance,
        "flags": list(totals.flags),
        "bases": list(totals.bases),
        "grid_relative_error": number(totals.grid_relative_error),
        "duration_s": number(duration_s),
    }


def age_object(as_of_s: float, idle_power_w: Interval | None) -> Message:
    """Up to when totals count, and the power with which a page carries them on while idle."""
    return {
        "as_of": number(as_of_s, digits=13),
        "idle_power_w": number(idle_power_w.value if idle_power_w else None),
        "idle_power_low_w": number(idle_power_w.low if idle_power_w else None),
        "idle_power_high_w": number(idle_power_w.high if idle_power_w else None),
    }


def running_object(running: RunningFigure | None) -> Message | None:
    """The cell in progress."""
    if running is None:
        return None
    energy_j = running.figure.energy_j
    elapsed_s = running.elapsed_s
    return {
        "run": running.run,
        "number": running.number,
        "cell_id": running.cell_id,
        "label": running.label,
        "started_at": running.started_at,
        "elapsed_s": _brief(elapsed_s),
        "energy_j": _brief(energy_j.value if energy_j else None),
        "energy_low_j": _brief(energy_j.low if energy_j else None),
        "energy_high_j": _brief(energy_j.high if energy_j else None),
        "co2_g": _brief(running.co2_g.value if running.co2_g else None),
        "mean_power_w": _brief(energy_j.value / elapsed_s if energy_j and elapsed_s else None),
        "others": running.others,
        "request": running.request,
    }


def brief(sums: Message) -> Message:
    """The sums of a tick: what grows from tick to tick as it is, all else with six digits."""

    def shorter(key: str, value: object) -> object:
        if isinstance(value, dict):
            return {name: shorter(name, part) for name, part in value.items()}
        return (
            number(value, digits=6) if isinstance(value, float) and key not in _GROWING else value
        )

    return {key: shorter(key, value) for key, value in sums.items()}


def _brief(value: float | None) -> float | None:
    """A figure of a tick, which is to stay below 1 KB."""
    return number(value, digits=7)


def record_object(record: CellRecord) -> Message:
    """One finished run."""
    return {
        "run": record.run,
        "number": record.number,
        "cell_id": record.cell_id,
        "execution_count": record.execution_count,
        "label": record.label,
        "status": record.status,
        "started_at": record.started_at,
        "duration_s": number(record.duration_s),
        **_figures(record.energy_j, record.co2_g),
        "machine_j": number(record.machine_energy_j),
        "others_j": number(record.others_energy_j),
        "idle_j": number(record.idle_energy_j),
        "node_j": number(record.node_energy_j),
        "mean_power_w": number(record.mean_power_w),
        "peak_power_w": number(record.peak_power_w),
        "by_component_j": _components(record.by_component_j),
        "provenance": record.provenance,
        "flags": list(record.flags),
        "zone": record.zone,
        "intensity_g_per_kwh": number(record.intensity_g_per_kwh),
        "pue": number(record.pue),
        "basis": record.basis,
        "grid_relative_error": number(record.grid_relative_error),
        "parent": record.parent,
        "final": record.final,
        "request": record.request,
    }


def picture(
    view: SessionView,
    running: RunningFigure | None,
    notices: Iterable[Notice],
    *,
    paused: bool,
    records: int,
) -> Message:
    """The body of ``hello`` and ``snapshot``: everything, with the latest ``records`` runs."""
    latest = view.cells[-records:] if records else ()
    return {
        "info": info_object(view),
        "totals": totals_object(view.totals, view.duration_s),
        "running": running_object(running),
        "cells": [record_object(record) for record in latest],
        "cells_total": len(view.cells) + view.paged.count,
        "paused": paused,
        "notices": notice_objects(notices),
    }


def page(records: Iterable[CellRecord], before: str) -> Message:
    """The latest runs with a smaller number, oldest first, and how many lie before them.

    Raises:
        BadRequest: ``before`` is no number of a run.
    """
    if not (before.isascii() and before.isdigit()):
        raise BadRequest("cells needs before: the number of a run")
    earlier = sorted(
        (record for record in records if record.number < int(before)), key=lambda r: r.number
    )
    shown = earlier[-PAGE_RECORDS:]
    return {"cells": [record_object(record) for record in shown], "more": len(earlier) - len(shown)}


def power_object(power_w: Mapping[Component, float | None] | None) -> Message:
    """Power now, whole and by component; the whole is ``null`` where a part is unknown."""
    known = {part: watts for part, watts in (power_w or {}).items() if watts is not None}
    whole = number(sum(known.values())) if power_w and len(known) == len(power_w) else None
    return {"power_w": whole, "by_component_w": _components(known)}


def notice_objects(notices: Iterable[Notice]) -> list[Message]:
    """What a person should know."""
    return [
        {
            "id": n.id,
            "level": n.level,
            "text": n.text[:MAX_TEXT],
            "remedy": n.remedy[:500],
            "about": n.about[:MAX_TEXT],
        }
        for n in notices
    ]


def number(value: float | None, *, digits: int = 9) -> float | None:
    """A finite number with nine digits, or ``None``; a moment takes more of them."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")


def whole_text(text: str) -> str:
    """A text that any encoding can carry, at most ``MAX_TEXT`` long.

    Half a character, as a notebook's JSON or a file name may hold one, would stop the message, and
    with it all that is told of the cell.
    """
    text = text[:MAX_TEXT]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _figures(energy_j: Interval | None, co2_g: Interval | None) -> Message:
    return {
        "energy_j": number(energy_j.value if energy_j else None),
        "energy_low_j": number(energy_j.low if energy_j else None),
        "energy_high_j": number(energy_j.high if energy_j else None),
        "co2_g": number(co2_g.value if co2_g else None),
        "co2_low_g": number(co2_g.low if co2_g else None),
        "co2_high_g": number(co2_g.high if co2_g else None),
    }


def _components(by_component: Mapping[Component, float]) -> Message:
    return {name: number(value) for name, value in sorted(by_component.items())}
