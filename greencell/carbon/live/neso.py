"""NESO's Carbon Intensity API: Great Britain, half-hourly, direct. No token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final

from greencell.carbon.live.answer import items, member, moment, number
from greencell.carbon.live.failures import NoData, NotCovered
from greencell.carbon.live.http import Endpoint
from greencell.carbon.live.provider import About, Spot
from greencell.model import Forecast, ForecastPoint, LiveReading

BASE: Final = "https://api.carbonintensity.org.uk"
ABOUT: Final = About(
    id="uk",
    name="NESO Carbon Intensity",
    basis="direct",
    period="half-hourly",
    cache_s=600.0,
    credit="NESO Carbon Intensity API, live, CC BY 4.0",
)
_AREA: Final = "GB"


@dataclass(frozen=True, slots=True)
class Neso:
    """The client. Northern Ireland is another grid; the zone ``GB`` does not tell it apart."""

    endpoint: Endpoint

    @property
    def about(self) -> About:
        return ABOUT

    def covers(self, spot: Spot) -> str:
        if spot.country != "GB":
            raise NotCovered(f"knows Great Britain alone, not {spot.code}")
        return _AREA

    def latest(self, area: str, now_s: float) -> LiveReading:  # noqa: ARG002  # it knows the time
        halves = items(self.endpoint.get("/intensity"), "data")
        if not halves:
            raise NoData("has no figure of this half hour")
        intensity = member(halves[0], "intensity")
        # While the half hour is open, its figure may not be out yet.
        is_estimated = member(intensity, "actual") is None
        value = number(intensity, "forecast" if is_estimated else "actual")
        at = moment(halves[0], "from")
        return LiveReading(ABOUT.name, area, value, "direct", at, is_estimated)

    def forecast(self, area: str, now_s: float) -> Forecast:
        begin = datetime.fromtimestamp(now_s, tz=timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
        halves = items(self.endpoint.get(f"/intensity/{begin}/fw24h"), "data")
        points = tuple(
            ForecastPoint(moment(half, "from"), number(member(half, "intensity"), "forecast"))
            for half in halves
        )
        return Forecast(ABOUT.name, area, "direct", points)
