"""Energinet's Energi Data Service: Denmark and its two bidding zones, direct. No token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from greencell.carbon.live.answer import items, moment, number, text
from greencell.carbon.live.failures import NoData, NotCovered
from greencell.carbon.live.http import Endpoint
from greencell.carbon.live.provider import About, Spot
from greencell.model import Forecast, ForecastPoint, LiveReading

BASE: Final = "https://api.energidataservice.dk"
ABOUT: Final = About(
    id="energinet",
    name="Energinet",
    basis="direct",
    period="every 5 minutes",
    cache_s=300.0,
    credit="Energinet, Energi Data Service, live, CC BY 4.0",
)
_BOTH: Final = "DK1 and DK2, mean"
_AREAS: Final = {"DK-DK1": "DK1", "DK-DK2": "DK2"}
_NEWEST: Final = 4
"""Two rows for each area, in case one of them is five minutes late."""
_DAY: Final = 600
"""A day of rows for both areas, and some."""
_STEP_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class _Row:
    area: str
    at: float
    intensity_g_per_kwh: float


@dataclass(frozen=True, slots=True)
class Energinet:
    """The client. Denmark as a whole is the plain mean of its two areas, and is called so."""

    endpoint: Endpoint

    @property
    def about(self) -> About:
        return ABOUT

    def covers(self, spot: Spot) -> str:
        if spot.country != "DK":
            raise NotCovered(f"knows Denmark alone, not {spot.code}")
        return _AREAS.get(spot.code, _BOTH)

    def latest(self, area: str, now_s: float) -> LiveReading:  # noqa: ARG002  # it knows the time
        rows = self._rows("CO2Emis", area, {"limit": str(_NEWEST), "sort": "Minutes5UTC desc"})
        newest = [
            max((row for row in rows if row.area == one), key=lambda row: row.at, default=None)
            for one in _parts(area)
        ]
        found = [row for row in newest if row is not None]
        if len(found) < len(newest):
            raise NoData(f"has no figure of {area} now")
        at = min(row.at for row in found)
        return LiveReading(ABOUT.name, area, _mean(found), "direct", at)

    def forecast(self, area: str, now_s: float) -> Forecast:
        question = {"limit": str(_DAY), "sort": "Minutes5UTC asc", "start": "now"}
        by_time: dict[float, list[_Row]] = {}
        for row in self._rows("CO2EmisProg", area, question):
            by_time.setdefault(row.at, []).append(row)
        points = tuple(
            ForecastPoint(at, _mean(rows))
            for at, rows in sorted(by_time.items())
            if len(rows) == len(_parts(area)) and at >= now_s - _STEP_S
        )
        return Forecast(ABOUT.name, area, "direct", points)

    def _rows(self, dataset: str, area: str, question: dict[str, str]) -> list[_Row]:
        wanted = json.dumps({"PriceArea": _parts(area)}, separators=(",", ":"))
        said = self.endpoint.get(f"/dataset/{dataset}", {**question, "filter": wanted})
        return [
            _Row(
                text(row, "PriceArea"),
                moment(row, "Minutes5UTC"),
                number(row, "CO2Emission"),
            )
            for row in items(said, "records")
        ]


def _parts(area: str) -> list[str]:
    return ["DK1", "DK2"] if area == _BOTH else [area]


def _mean(rows: Sequence[_Row]) -> float:
    return sum(row.intensity_g_per_kwh for row in rows) / len(rows)
