"""What if: a session elsewhere, in other hours, and in everyday things. For magics and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from greencell.carbon.ahead import BestStart, best_start
from greencell.carbon.comparison import MAX_ROWS, Comparison, compare, telling_zones
from greencell.carbon.equivalents import Equivalent, equivalents
from greencell.carbon.tables import BadTable, Tables
from greencell.errors import UsageError
from greencell.place import Place
from greencell.report.carbon_text import ahead_words, equivalent_words
from greencell.report.shape import legible
from greencell.report.work import Work, work_of
from greencell.wire import Message, number

NOTHING_YET = "Nothing has been measured yet; run a cell first."
NO_FORECAST = (
    "No forecast here: tables have none. "
    "%greencell live electricitymaps, uk, energinet or watttime gives one."
)
_POINTS = 200


class WhatIf:
    """Answers about one session's document in its place.

    Raises:
        UsageError: nothing has been measured yet.
    """

    def __init__(self, document: Mapping[str, Any], place: Place) -> None:
        work = work_of(legible(document))
        if work is None or work.energy_kwh.high <= 0.0:
            raise UsageError(NOTHING_YET)
        self.work: Work = work
        self._place = place

    def elsewhere(self, codes: Sequence[str]) -> Comparison:
        """The session in these zones, or in a few telling ones.

        Raises:
            UsageError: one of them is no zone, or there are too many.
        """
        place = self._place
        if len(codes) >= MAX_ROWS:
            raise UsageError(f"At most {MAX_ROWS - 1} zones can be compared at once.")
        zones = [place.table.find(code) for code in codes] or telling_zones(
            place.carbon, place.table
        )
        work = self.work
        return compare(work.energy_kwh, work.co2_g, work.bases, place.carbon, zones)

    def ahead(self, now_s: float, duration_s: float | None = None) -> BestStart | None:
        """The hour in which the same work would cause the least; ``None`` if none is better."""
        forecast = self._place.forecast
        if forecast is None:
            return None
        return best_start(forecast, duration_s or self.work.duration_s, now_s)

    def equivalents(self) -> tuple[Equivalent, ...]:
        """The session in everyday things."""
        co2_kg = type(self.work.co2_g)(
            *(g / 1e3 for g in (self.work.co2_g.low, self.work.co2_g.value, self.work.co2_g.high))
        )
        try:
            country = self._place.table.find(self.work.factor.zone).country
            return equivalents(self.work.energy_kwh, co2_kg, country, Tables())
        except BadTable:
            return ()

    def message(self, codes: Sequence[str], now_s: float) -> Message:
        """All of it, for a page."""
        comparison, forecast = self.elsewhere(codes), self._place.forecast
        return {
            "elsewhere": {
                "rows": [
                    {
                        "zone": row.zone,
                        "zone_name": row.zone_name,
                        "co2_g": number(row.co2_g.value),
                        "co2_low_g": number(row.co2_g.low),
                        "co2_high_g": number(row.co2_g.high),
                        "intensity_g_per_kwh": number(row.intensity_g_per_kwh),
                        "pue": number(row.pue),
                        "basis": row.basis,
                        "year": row.year,
                        "is_here": row.is_here,
                        "is_comparable": row.is_comparable,
                        "ratio": number(row.ratio),
                    }
                    for row in comparison.rows
                ],
                "note": comparison.note,
            },
            "ahead": self._ahead_message(now_s) if forecast is not None else None,
            "ahead_note": "" if forecast is not None else NO_FORECAST,
            "equivalents": [
                {"key": one.key, "words": equivalent_words(one), "source": one.source}
                for one in self._two_equivalents()
            ],
        }

    def _two_equivalents(self) -> list[Equivalent]:
        """One of the energy and one of the CO2: a page is to be read at a glance."""
        kinds = {one.kind: one for one in reversed(self.equivalents())}
        return [kinds[kind] for kind in ("energy", "co2") if kind in kinds]

    def _ahead_message(self, now_s: float) -> Message | None:
        forecast, best = self._place.forecast, self.ahead(now_s)
        if forecast is None:
            return None
        return {
            "provider": forecast.provider,
            "zone": forecast.zone,
            "basis": forecast.basis,
            "points": [
                {"at": point.at, "intensity_g_per_kwh": number(point.intensity_g_per_kwh)}
                for point in forecast.points[:_POINTS]
            ],
            "best": None
            if best is None
            else {
                "at": best.at,
                "saving": number(best.saving),
                "duration_s": number(best.duration_s),
            },
            "note": ahead_words(best, forecast, now_s),
        }
