"""RTE's éCO2mix by the open data portal ODRÉ: France, direct, of what is produced. No token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from greencell.carbon.live.answer import items, moment, number
from greencell.carbon.live.failures import NoData, NotCovered
from greencell.carbon.live.http import Endpoint
from greencell.carbon.live.provider import About, Spot
from greencell.model import LiveReading

BASE: Final = "https://odre.opendatasoft.com"
ABOUT: Final = About(
    id="rte",
    name="RTE éCO2mix",
    basis="direct",
    period="quarter-hourly",
    cache_s=900.0,
    credit="RTE éCO2mix (ODRÉ), live, of production, Licence Ouverte 2.0",
)
_PATH: Final = "/api/explore/v2.1/catalog/datasets/eco2mix-national-tr/records"
_NEWEST: Final = {
    "select": "date_heure,taux_co2",
    "where": "taux_co2 is not null",
    "order_by": "date_heure desc",
    "limit": "1",
}


@dataclass(frozen=True, slots=True)
class Rte:
    """The client."""

    endpoint: Endpoint

    @property
    def about(self) -> About:
        return ABOUT

    def covers(self, spot: Spot) -> str:
        if spot.country != "FR":
            raise NotCovered(f"knows France alone, not {spot.code}")
        return "FR"

    def latest(self, area: str, now_s: float) -> LiveReading:  # noqa: ARG002  # it knows the time
        rows = items(self.endpoint.get(_PATH, _NEWEST), "results")
        if not rows:
            raise NoData("has no figure now")
        value, at = number(rows[0], "taux_co2"), moment(rows[0], "date_heure")
        return LiveReading(ABOUT.name, area, value, "direct", at)

    def forecast(self, area: str, now_s: float) -> None:  # noqa: ARG002  # there is none to ask for
        return None
