"""A session document of the figures that a notebook carries in its cells' metadata. Pure.

What the file tells is shown as the file's: a cell whose text was changed since, and a copy of a
cell, are named and have no figure, because none is known of them. What no cell tells (the time
between cells, the machine, who metered) is unknown, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from greencell.carbon.grid_table import GridTable
from greencell.carbon.tables import MAX_PUE
from greencell.document import SCHEMA
from greencell.errors import UsageError
from greencell.model import INCOMPLETE, Interval
from greencell.report.cell_entry import KEY, MAX_NUMBER, CellEntry, read_entry, source_hash
from greencell.units import G_PER_KG, J_PER_KWH

JsonObject = dict[str, Any]
Standing = Literal["counted", "edited", "copied"]
_NBFORMAT: Final = 4
_MAX_CELLS: Final = 100_000
_PUE_DIGITS: Final = 4
_UNREADABLE: Final = "with figures that cannot be read"
_NAMES: Final[Mapping[Standing, str | None]] = {
    "counted": None,
    "edited": "edited since it ran",
    "copied": "copy of another cell",
}


@dataclass(frozen=True, slots=True)
class _Found:
    """A code cell that carries figures.

    Attributes:
        cell_id: the cell's own; ``None`` in notebooks that have none yet (before nbformat 4.5).
    """

    cell_id: str | None
    execution_count: int | None
    entry: CellEntry
    standing: Standing


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was found in a notebook.

    Attributes:
        unreadable: cells whose entry is none that can be believed.
        without: code cells without an entry.
    """

    found: tuple[_Found, ...]
    unreadable: int
    without: int

    @property
    def counted(self) -> list[_Found]:
        """The cells whose figures are of the cell as it stands there."""
        return [one for one in self.found if one.standing == "counted"]


def is_notebook(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a notebook, of whatever version."""
    return "nbformat" in value


def notebook_document(
    notebook: Mapping[str, Any], name: str, table: GridTable | None = None
) -> JsonObject:
    """The session document of a notebook's figures.

    Args:
        name: of the file, for people.
        table: knows the names of zones; read from its files where none is given.

    Raises:
        UsageError: it is no notebook of today, or carries no figures.
    """
    name = " ".join(name.split())  # a file's name may have line ends
    if notebook.get("nbformat") != _NBFORMAT:
        raise UsageError(f"{name} is a notebook of another format; save it again in JupyterLab.")
    cells = notebook.get("cells")
    if not isinstance(cells, list) or len(cells) > _MAX_CELLS:
        raise UsageError(f"{name} is no notebook: it has no list of cells that can be read.")
    reading = _read(cells)
    if not reading.found and reading.unreadable:
        raise UsageError(
            f"{name} has figures that this greencell cannot read; update it or run the cells again."
        )
    if not reading.found:
        raise UsageError(
            f"{name} holds no figures; have the panel embed them, "
            "or export a session: %greencell export session.json."
        )
    return _document(reading, name, table or GridTable())


# -- cells -------------------------------------------------------------------------------------


def _read(cells: Sequence[object]) -> _Reading:
    found: list[_Found] = []
    unreadable = without = 0
    runs: set[str] = set()
    for cell in cells:
        if not isinstance(cell, Mapping) or cell.get("cell_type") != "code":
            continue
        metadata = cell.get("metadata")
        if not isinstance(metadata, Mapping) or KEY not in metadata:
            without += 1
            continue
        entry, source = read_entry(metadata[KEY]), _source(cell)
        if entry is None or source is None:
            unreadable += 1
            continue
        own_id = _text_if_any(cell.get("id"))
        standing = _standing(entry, own_id, source, runs)
        if standing != "copied":  # a copy may stand before its original
            runs.add(entry.run)
        found.append(_Found(own_id, _count_if_any(cell.get("execution_count")), entry, standing))
    return _Reading(tuple(found), unreadable, without)


def _standing(entry: CellEntry, own_id: str | None, source: str, runs: set[str]) -> Standing:
    """Whether the figures are of this cell as it stands there; ``runs`` were met before."""
    if entry.run in runs or own_id not in (None, entry.cell_id):
        return "copied"
    return "counted" if entry.source_hash == source_hash(source) else "edited"


def _source(cell: Mapping[str, Any]) -> str | None:
    """A cell's text; the file format allows a list of its lines."""
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return source if isinstance(source, str) else None


def _text_if_any(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _count_if_any(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_NUMBER else None


# -- the document ------------------------------------------------------------------------------


def _document(reading: _Reading, name: str, table: GridTable) -> JsonObject:
    counted = reading.counted
    entries = [one.entry for one in counted]
    return {
        "schema": SCHEMA,
        "session": {
            "id": None,
            "started_at": min((entry.started_at for entry in entries), default=None),
            "ended_at": None,
            "duration_s": _sum(entry.duration_s for entry in entries),
            "notebook": name,
            "label": None,
            "greencell_version": None,
            "python_version": None,
        },
        "host": {},
        "attribution": None,
        "sources": [_source_object(entries, name)],
        "skipped": [],
        "carbon": _carbon(entries, table),
        "totals": _totals(entries),
        "cells": [_cell(number, one) for number, one in enumerate(reading.found, 1)],
        "notes": list(_notes(reading)),
    }


def _notes(reading: _Reading) -> Iterator[str]:
    """What a reader must know of these figures, a line each."""
    yield (
        "From the file, as it tells them: the last run of each cell, whose times are summed. Energy"
        " between cells and of the rest of the machine is not in it."
    )
    left_out = (
        (sum(one.standing == "edited" for one in reading.found), "edited since it ran",
         "edited since they ran"),
        (sum(one.standing == "copied" for one in reading.found), "a copy of another cell",
         "copies of other cells"),
        (reading.unreadable, _UNREADABLE, _UNREADABLE),
        (reading.without, "without figures", "without figures"),
    )  # fmt: skip
    words = [f"{count} {one if count == 1 else many}" for count, one, many in left_out if count > 0]
    if words:
        yield f"Code cells in no sum: {', '.join(words)}."


def _source_object(entries: Sequence[CellEntry], name: str) -> JsonObject:
    """The file in the stead of the meters, which it does not name."""
    return {
        "id": "notebook",
        "component": "notebook",
        "kind": None,
        "provenance": _provenance(entries),
        "detail": f"figures saved in {name}, which does not tell the meters",
    }


def _carbon(entries: Sequence[CellEntry], table: GridTable) -> JsonObject:
    """The place of the last cell that ran, as a session's is that of now."""
    last = max(entries, key=lambda entry: entry.started_at, default=None)
    zone = None if last is None else last.zone
    return {
        "zone": zone,
        "zone_name": None if zone is None else _zone_name(zone, table),
        "intensity_g_per_kwh": None if last is None else last.intensity_g_per_kwh,
        "basis": "basis unknown",
        "year": None,
        "source": "as the notebook tells",
        "located_by": None,
        "reason": "the notebook's own word",
        "pue": None if last is None else _pue(last),
        "pue_source": "CO2 by energy and intensity",
    }


def _zone_name(zone: str, table: GridTable) -> str:
    try:
        return table.find(zone).name
    except UsageError:
        return zone


def _pue(entry: CellEntry) -> float | None:
    """What CO2 was multiplied by besides: it is energy × intensity × PUE, by definition."""
    energy, co2, intensity = entry.energy_kwh, entry.co2_kg, entry.intensity_g_per_kwh
    if energy is None or co2 is None or not intensity or not energy.value:
        return None
    pue = round(co2.value / energy.value * G_PER_KG / intensity, _PUE_DIGITS)
    return pue if 1.0 <= pue <= MAX_PUE else None


def _totals(entries: Sequence[CellEntry]) -> JsonObject:
    energies = [entry.energy_kwh for entry in entries]
    masses = [entry.co2_kg for entry in entries]
    flags = {flag for entry in entries for flag in entry.flags} & INCOMPLETE
    if None in energies or None in masses:
        flags |= {"gap"}  # a cell of unknown energy or CO2: the sums are "at least"
    energy = _figures("energy", "kwh", _interval_sum(energies))
    return {
        "cells": len(entries),
        **energy,
        **_figures("co2", "kg", _interval_sum(masses)),
        "cells_energy_kwh": energy["energy_kwh"],
        "between_cells_energy_kwh": None,
        "machine_energy_kwh": None,
        "by_component_kwh": {},
        "provenance": _provenance(entries),
        "flags": sorted(flags),
        "bases": [],
        "grid_relative_error": None,
    }


def _cell(number: int, one: _Found) -> JsonObject:
    """A row; of a cell that is not counted no more than what it is called."""
    entry = one.entry
    is_counted = one.standing == "counted"
    energy_kwh = entry.energy_kwh if is_counted else None
    return {
        "number": number,
        "cell_id": one.cell_id or (entry.cell_id if is_counted else None),
        "execution_count": one.execution_count,
        "label": _NAMES[one.standing],
        "status": entry.status,
        "started_at": entry.started_at if is_counted else None,
        "duration_s": entry.duration_s if is_counted else None,
        **_figures("energy", "kwh", energy_kwh),
        **_figures("co2", "kg", entry.co2_kg if is_counted else None),
        "machine_energy_kwh": None,
        "zone": entry.zone if is_counted else None,
        "intensity_g_per_kwh": entry.intensity_g_per_kwh if is_counted else None,
        "pue": _pue(entry) if is_counted else None,
        "parent": None,
        "final": True,
        "mean_power_w": _mean_power_w(energy_kwh, entry.duration_s),
        "peak_power_w": None,
        "by_component_kwh": {},
        "provenance": entry.provenance if is_counted else None,
        "flags": list(entry.flags) if is_counted else [],
        "metrics": {},
    }


def _mean_power_w(energy_kwh: Interval | None, duration_s: float) -> float | None:
    if energy_kwh is None or duration_s <= 0.0:
        return None
    power_w = energy_kwh.value * J_PER_KWH / duration_s
    return power_w if power_w <= MAX_NUMBER else None


def _figures(
    quantity: Literal["energy", "co2"], unit: str, interval: Interval | None
) -> JsonObject:
    return {
        f"{quantity}_{unit}": interval.value if interval else None,
        f"{quantity}_low_{unit}": interval.low if interval else None,
        f"{quantity}_high_{unit}": interval.high if interval else None,
    }


def _interval_sum(intervals: Iterable[Interval | None]) -> Interval | None:
    """End to end: cells of one file share meter and grid, so their errors may all point one way."""
    known = [interval for interval in intervals if interval is not None]
    if not known:
        return None
    return Interval(
        math.fsum(one.low for one in known),
        math.fsum(one.value for one in known),
        math.fsum(one.high for one in known),
    )


def _sum(values: Iterable[float]) -> float | None:
    known = list(values)
    return math.fsum(known) if known else None


def _provenance(entries: Sequence[CellEntry]) -> str | None:
    """How the sum is known, by the cells that have a figure."""
    kinds = {entry.provenance for entry in entries if entry.energy_kwh is not None}
    return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else None
