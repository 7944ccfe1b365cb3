"""Rows of the history: what is kept of a session and of a run. Pure.

The text of a cell is in none of them. ``document`` holds the same object as the session
document, for what later versions want to know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from greencell.document import JsonObject
from greencell.model import CellRecord, Interval, SessionView
from greencell.units import G_PER_KG, J_PER_KWH

CellState = Literal["running", "done"]
SessionState = Literal["running", "ended"]
Values = dict[str, "str | int | float | None"]
COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    "session": frozenset(
        (
            "id", "started_at", "ended_at", "seen_at", "state", "notebook", "label", "hostname",
            "boot", "pid", "process_started", "greencell_version", "zone", "zone_name", "cells",
            "duration_s", "energy_j", "energy_low_j", "energy_high_j", "co2_g", "co2_low_g",
            "co2_high_g", "provenance", "flags", "document",
        )
    ),
    "cell": frozenset(
        (
            "run", "session", "number", "seen_at", "state", "status", "started_at", "duration_s",
            "energy_j", "co2_g", "document",
        )
    ),
}  # fmt: skip
"""The names of both tables' columns: no other name goes into a statement."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The process that a session lives in.

    Attributes:
        boot: which boot of the machine.
        started: when the process began, in s since the epoch: numbers are given anew.
        image: which program it runs: a process may become another one (``exec``) and keep its
            number and its start. ``None`` where that cannot be told.
    """

    hostname: str
    boot: str
    pid: int
    started: float
    image: str | None = None


def identity_of(row: Mapping[str, Any]) -> Identity:
    """The process that a row of the table of sessions tells of."""
    try:
        image = json.loads(row["document"])["process"]["image"]
    except (KeyError, RecursionError, TypeError, ValueError):
        image = None
    process = (row["hostname"], row["boot"], row["pid"], row["process_started"])
    return Identity(*process, image if isinstance(image, str) else None)


def session_values(
    view: SessionView, document: JsonObject, identity: Identity, seen_at: float
) -> Values:
    """A session as of ``seen_at``, in s since the epoch.

    Args:
        document: its session document without cells.
    """
    state: SessionState = "running" if view.ended_at is None else "ended"
    totals = view.totals
    process = {} if identity.image is None else {"process": {"image": identity.image}}
    return {
        "id": view.id,
        "started_at": view.started_at,
        "ended_at": view.ended_at,
        "seen_at": seen_at,
        "state": state,
        "notebook": view.notebook,
        "label": view.label,
        "hostname": identity.hostname,
        "boot": identity.boot,
        "pid": identity.pid,
        "process_started": identity.started,
        "greencell_version": document["session"]["greencell_version"],
        "zone": view.carbon.factor.zone,
        "zone_name": view.carbon.zone_name,
        "cells": totals.cells,
        "duration_s": view.duration_s,
        "energy_j": totals.energy_j.value,
        "energy_low_j": totals.energy_j.low,
        "energy_high_j": totals.energy_j.high,
        "co2_g": totals.co2_g.value,
        "co2_low_g": totals.co2_g.low,
        "co2_high_g": totals.co2_g.high,
        "provenance": totals.provenance,
        "flags": " ".join(totals.flags),
        "document": json.dumps({**document, **process}, allow_nan=False),
    }


def cell_values(
    record: CellRecord, document: JsonObject, session: str, state: CellState, seen_at: float
) -> Values:
    """A run; one that is still running stands as what it would be if it were lost now."""
    return {
        "run": record.run,
        "session": session,
        "number": record.number,
        "seen_at": seen_at,
        "state": state,
        "status": record.status,
        "started_at": record.started_at,
        "duration_s": record.duration_s,
        "energy_j": record.energy_j.value if record.energy_j is not None else None,
        "co2_g": record.co2_g.value if record.co2_g is not None else None,
        "document": json.dumps(document, allow_nan=False),
    }


def record_of(row: Mapping[str, Any]) -> CellRecord | None:
    """The run that a row of the table tells of; ``None`` if no greencell wrote it."""
    try:
        cell: JsonObject = json.loads(row["document"])
        return CellRecord(
            run=row["run"],
            number=row["number"],
            cell_id=cell["cell_id"],
            execution_count=cell["execution_count"],
            label=cell["label"],
            status=cell["status"],
            started_at=row["started_at"],
            duration_s=row["duration_s"],
            energy_j=_interval(cell, "energy", "kwh", J_PER_KWH),
            co2_g=_interval(cell, "co2", "kg", G_PER_KG),
            machine_energy_j=_joules(cell["machine_energy_kwh"]),
            mean_power_w=cell["mean_power_w"],
            peak_power_w=cell["peak_power_w"],
            by_component_j={
                name: kwh * J_PER_KWH for name, kwh in cell["by_component_kwh"].items()
            },
            provenance=cell["provenance"],
            flags=tuple(cell["flags"]),
            zone=cell["zone"],
            intensity_g_per_kwh=cell["intensity_g_per_kwh"],
            pue=cell["pue"],
            parent=cell["parent"],
            others_energy_j=_joules(cell["others_energy_kwh"]),
            idle_energy_j=_joules(cell["idle_energy_kwh"]),
            node_energy_j=_joules(cell["node_energy_kwh"]),
            basis=cell["basis"],
            grid_relative_error=cell["grid_relative_error"],
            metrics=cell["metrics"],
        )
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None


def _interval(cell: JsonObject, name: str, unit: str, per_unit: float) -> Interval | None:
    value = cell[f"{name}_{unit}"]
    if value is None:
        return None
    low, high = cell[f"{name}_low_{unit}"], cell[f"{name}_high_{unit}"]
    return Interval(low * per_unit, value * per_unit, high * per_unit)


def _joules(energy_kwh: float | None) -> float | None:
    return None if energy_kwh is None else energy_kwh * J_PER_KWH
