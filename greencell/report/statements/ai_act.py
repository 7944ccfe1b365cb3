"""The energy line of the EU AI Act's technical documentation.

Regulation (EU) 2024/1689, Annex XI, section 1, point 2(e): known or estimated energy consumption
of a general-purpose model. Told in MWh with two significant digits, and for this session alone.
"""

from __future__ import annotations

from greencell.report import Asked, figures
from greencell.report.statements import words
from greencell.report.statements.words import Document

_KWH_PER_MWH = 1_000.0
_DIGITS = 2


def to_ai_act(document: Document, _asked: Asked) -> str:
    """Energy, interval, method, hardware, period, and what it does not cover."""
    totals, session = document["totals"], document["session"]
    known = {"measured": "known (measured)", "estimated": "estimated"}.get(
        totals["provenance"], f"estimated ({words.MIXED})"
    )
    low, high = _mwh(totals["energy_low_kwh"]), _mwh(totals["energy_high_kwh"])
    pue = words.pue(document)
    return (
        f"Energy consumption (Regulation (EU) 2024/1689, Annex XI, section 1(2)(e)): "
        f"{_mwh(totals['energy_kwh'])} MWh ({low} to {high} MWh, about 95 %), {known}, at the "
        f"meters, without the building's overhead (PUE {pue}). "
        f"Method: {words.cited(document)}, {words.meters(document)}. "
        f"Hardware: {words.hardware(document)}. "
        f"Period: {figures.known(figures.duration(session['duration_s']))} from "
        f"{session['started_at']}. This is one session; add up all that went into the model. "
        "Making the hardware is not in it.\n"
    )


def _mwh(energy_kwh: float | None) -> str:
    value = None if energy_kwh is None else energy_kwh / _KWH_PER_MWH
    return figures.known(figures.digits(value, _DIGITS))
