"""The session document ``greencell.session.v1``: what every export is a view of. Pure.

Energies leave SI here: kWh and kg, as the document promises. Nothing that is not finite gets
out; what is unknown is ``null``.
"""

from __future__ import annotations

import math
import sys
from datetime import datetime, timezone
from typing import Any, Final

from greencell.model import (
    CarbonInfo,
    CellRecord,
    HostInfo,
    Interval,
    LiveReading,
    SessionView,
    Skipped,
    SourceInfo,
    Totals,
)
from greencell.units import G_PER_KG, J_PER_KWH
from greencell.version import __version__

SCHEMA = "greencell.session.v1"
JsonObject = dict[str, Any]  # JSON is what Python cannot type without recursion


def session_document(view: SessionView) -> JsonObject:
    """The document of a session, JSON-ready.

    Where records were paged out and could not be read again, ``totals.cells_not_listed`` tells
    how many cells are in the sums alone. ``blocks`` is there where there is one.
    """
    document: JsonObject = {
        "schema": SCHEMA,
        "session": {
            "id": view.id,
            "started_at": iso_time(view.started_at),
            "ended_at": None if view.ended_at is None else iso_time(view.ended_at),
            "duration_s": finite(view.duration_s),
            "notebook": view.notebook,
            "label": view.label,
            "greencell_version": __version__,
            "python_version": sys.version.split()[0],
        },
        "host": host_object(view.host),
        "attribution": view.attribution,
        "sources": source_objects(view),
        "skipped": [skipped_object(skipped) for skipped in view.skipped],
        "carbon": carbon_object(view.carbon),
        "totals": {**_totals_object(view.totals), "cells_not_listed": view.paged.count},
        "cells": [cell_object(record) for record in sorted(view.cells, key=_by_number)],
    }
    if view.blocks:
        document["blocks"] = [block_object(record) for record in sorted(view.blocks, key=_by_start)]
        document["totals"]["blocks_not_listed"] = view.blocks_not_listed
    return document


def iso_time(wall_s: float) -> str:
    """A time in s since the epoch as ISO 8601, UTC, with milliseconds."""
    moment = datetime.fromtimestamp(wall_s, tz=timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def finite(value: float | None) -> float | None:
    """The value if it is a finite number, else ``None``."""
    return value if value is not None and math.isfinite(value) else None


def host_object(host: HostInfo) -> JsonObject:
    """The machine."""
    return {
        "os": host.os,
        "cpu": host.cpu,
        "logical_cpus": host.logical_cpus,
        "ram_gb": finite(host.ram_gb),
        "gpus": list(host.gpus),
        "virtual": host.virtual,
    }


def source_object(info: SourceInfo, baseline_w: float | None = None) -> JsonObject:
    """One source. A model's relative error is half the width of its interval.

    Args:
        baseline_w: its idle power, where it was measured.
    """
    relative_error = info.relative_error
    if info.kind == "model":
        relative_error = (info.high_factor - info.low_factor) / 2
    return {
        "id": info.id,
        "component": info.component,
        "kind": info.kind,
        "provenance": info.provenance,
        "period_s": finite(info.period_s),
        "resolution_j": finite(info.resolution_j),
        "relative_error": finite(relative_error),
        "low_factor": finite(info.low_factor),
        "high_factor": finite(info.high_factor),
        "lag_s": finite(info.lag_s),
        "scope": info.scope,
        "baseline_w": finite(baseline_w),
        "detail": info.detail,
    }


def source_objects(view: SessionView) -> list[JsonObject]:
    """All sources of a session, each with its idle power."""
    return [
        source_object(info, baseline_w)
        for info, baseline_w in zip(view.sources, view.baselines_w, strict=True)
    ]


def skipped_object(skipped: Skipped) -> JsonObject:
    """One source that is not used."""
    return {
        "id": skipped.id,
        "reason": skipped.reason,
        "remedy": skipped.remedy,
        "flag": skipped.flag,
        "caution": skipped.caution,
        "benefit": skipped.benefit,
    }


def carbon_object(carbon: CarbonInfo) -> JsonObject:
    """Where the electricity comes from."""
    return {
        "zone": carbon.factor.zone,
        "zone_name": carbon.zone_name,
        "intensity_g_per_kwh": carbon.factor.intensity_g_per_kwh,
        "basis": carbon.basis,
        "year": carbon.year,
        "source": carbon.source,
        "located_by": carbon.located_by,
        "pue": carbon.factor.pue,
        "note": carbon.note,
        "reason": carbon.reason,
        "candidates": list(carbon.candidates),
        "relative_error": finite(carbon.factor.relative_error),
        "pue_source": carbon.pue_source,
        "wue_l_per_kwh": finite(carbon.wue_l_per_kwh),
        "live": _reading_object(carbon.live),
        "marginal": _reading_object(carbon.marginal),
    }


def _reading_object(reading: LiveReading | None) -> JsonObject | None:
    if reading is None:
        return None
    return {
        "provider": reading.provider,
        "zone": reading.zone,
        "intensity_g_per_kwh": finite(reading.intensity_g_per_kwh),
        "basis": reading.basis,
        "at": iso_time(reading.at),
        "is_estimated": reading.is_estimated,
    }


def _by_number(record: CellRecord) -> int:
    return record.number


def _by_start(record: CellRecord) -> float:
    return record.started_at


def _kwh(energy_j: float | None) -> float | None:
    return None if energy_j is None else finite(energy_j / J_PER_KWH)


def _kg(mass_g: float | None) -> float | None:
    return None if mass_g is None else finite(mass_g / G_PER_KG)


def _figures(energy_j: Interval | None, co2_g: Interval | None) -> JsonObject:
    return {
        "energy_kwh": _kwh(energy_j.value if energy_j else None),
        "energy_low_kwh": _kwh(energy_j.low if energy_j else None),
        "energy_high_kwh": _kwh(energy_j.high if energy_j else None),
        "co2_kg": _kg(co2_g.value if co2_g else None),
        "co2_low_kg": _kg(co2_g.low if co2_g else None),
        "co2_high_kg": _kg(co2_g.high if co2_g else None),
    }


def _components_kwh(by_component_j: dict[str, float]) -> JsonObject:
    return {name: _kwh(energy_j) for name, energy_j in sorted(by_component_j.items())}


def _totals_object(totals: Totals) -> JsonObject:
    return {
        "cells": totals.cells,
        **_figures(totals.energy_j, totals.co2_g),
        "cells_energy_kwh": _kwh(totals.cells_energy_j),
        "between_cells_energy_kwh": _kwh(totals.between_cells_energy_j),
        "machine_energy_kwh": _kwh(totals.machine_energy_j),
        "others_energy_kwh": _kwh(totals.others_energy_j),
        "idle_energy_kwh": _kwh(totals.idle_energy_j),
        "node_energy_kwh": _kwh(totals.node_energy_j),
        "by_component_kwh": _components_kwh(totals.by_component_j),
        "provenance": totals.provenance,
        "flags": list(totals.flags),
        "bases": list(totals.bases),
        "grid_relative_error": finite(totals.grid_relative_error),
    }


def cell_object(record: CellRecord) -> JsonObject:
    """One run of a cell."""
    return {
        "number": record.number,
        "cell_id": record.cell_id,
        "execution_count": record.execution_count,
        "label": record.label,
        "status": record.status,
        "started_at": iso_time(record.started_at),
        "duration_s": finite(record.duration_s),
        **_figures(record.energy_j, record.co2_g),
        "machine_energy_kwh": _kwh(record.machine_energy_j),
        "others_energy_kwh": _kwh(record.others_energy_j),
        "idle_energy_kwh": _kwh(record.idle_energy_j),
        "node_energy_kwh": _kwh(record.node_energy_j),
        "zone": record.zone,
        "intensity_g_per_kwh": record.intensity_g_per_kwh,
        "pue": record.pue,
        "basis": record.basis,
        "grid_relative_error": finite(record.grid_relative_error),
        "parent": record.parent,
        "final": record.final,
        "mean_power_w": finite(record.mean_power_w),
        "peak_power_w": finite(record.peak_power_w),
        "by_component_kwh": _components_kwh(record.by_component_j),
        "provenance": record.provenance,
        "flags": list(record.flags),
        "metrics": {name: finite(value) for name, value in record.metrics.items()},
    }


_OF_CELLS: Final = frozenset({"number", "cell_id", "execution_count", "metrics"})
"""What a cell has and a block has not."""


def block_object(record: CellRecord) -> JsonObject:
    """One measured block; ``parent`` is the number of the cell that it ran in."""
    return {name: value for name, value in cell_object(record).items() if name not in _OF_CELLS}
