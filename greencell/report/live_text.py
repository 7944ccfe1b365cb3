"""Live figures in words: who said what, and how long ago."""

from __future__ import annotations

from collections.abc import Sequence

from greencell.model import CarbonInfo, LiveReading
from greencell.report import figures

NOBODY = "nobody is asked; the figure is the table's or your own"


def live_text(carbon: CarbonInfo, provider: str | None, told: Sequence[str], now_s: float) -> str:
    """One line: the readings, or why there is none.

    Args:
        provider: who is asked, for people.
        told: what is to be said of it.
    """
    parts = []
    if carbon.live is not None:
        parts.append(reading_text(carbon.live, now_s))
    if carbon.marginal is not None:
        beside = reading_text(carbon.marginal, now_s)
        parts.append(f"{beside}, shown beside and in no sum")
    if parts or told:
        return " ".join([*parts, *told])
    return NOBODY if provider is None else f"{provider} is asked; no answer yet"


def reading_text(reading: LiveReading, now_s: float) -> str:
    """One reading: "Electricity Maps, FR: 41.0 g/kWh, life-cycle, of 12 min 00 s ago"."""
    age_s = max(0.0, now_s - reading.at)
    words = [
        f"{reading.provider}, {reading.zone}: {figures.digits(reading.intensity_g_per_kwh)} g/kWh",
        reading.basis,
        *(["estimated"] if reading.is_estimated else []),
        f"of {figures.duration(age_s)} ago",
    ]
    return ", ".join(words)
