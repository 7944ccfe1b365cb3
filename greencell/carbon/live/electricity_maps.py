"""Electricity Maps, API v3: hourly, life-cycle, most of the world. Needs a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from greencell.carbon.live.answer import items, moment, number, text
from greencell.carbon.live.failures import Nonsense, NotCovered
from greencell.carbon.live.http import Endpoint
from greencell.carbon.live.provider import About, Spot
from greencell.carbon.live.secret import Secret
from greencell.model import Forecast, ForecastPoint, LiveReading

BASE: Final = "https://api.electricitymaps.com"
TOKEN_VARIABLE: Final = "GREENCELL_ELECTRICITYMAPS_TOKEN"  # noqa: S105  # a variable's name
ABOUT: Final = About(
    id="electricitymaps",
    name="Electricity Maps",
    basis="life-cycle",
    period="hourly",
    cache_s=900.0,
    credit="Electricity Maps, live",
    remedy=f"set {TOKEN_VARIABLE} and %reload_ext greencell",
)
# Without it, a question without a place would be answered by the caller's address.
_ASKED: Final = {"disableCallerLookup": "true", "emissionFactorType": "lifecycle"}
_CLOUDS: Final = ("aws", "gcp", "azure")
_ALPHA_2: Final = 2
_DIVIDED: Final = ("AU", "CA", "CN", "US")
"""For a part of such a country, the whole country's figure would say little."""
# Parts of countries that Electricity Maps knows by the same key; it divides the others otherwise.
_PARTS: Final = frozenset(
    {
        "AU-NSW", "AU-NT", "AU-QLD", "AU-SA", "AU-TAS", "AU-VIC", "AU-WA",
        "CA-AB", "CA-BC", "CA-MB", "CA-NB", "CA-NS", "CA-NT", "CA-NU", "CA-ON", "CA-PE", "CA-QC",
        "CA-SK", "CA-YT",
        "DK-DK1", "DK-DK2", "NO-NO1", "NO-NO2", "NO-NO3", "NO-NO4", "NO-NO5",
        "SE-SE1", "SE-SE2", "SE-SE3", "SE-SE4",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ElectricityMaps:
    """The client."""

    endpoint: Endpoint
    token: Secret

    @property
    def about(self) -> About:
        return ABOUT

    def covers(self, spot: Spot) -> str:
        cloud, colon, _ = spot.code.partition(":")
        if cloud in _CLOUDS or spot.code in _PARTS:
            return spot.code
        if len(spot.code) == _ALPHA_2:
            return spot.code
        if colon and len(spot.country) == _ALPHA_2 and spot.country not in _DIVIDED:
            return spot.country
        if spot.country == "US":
            raise NotCovered(f"divides the US by operators of the grid, so it has no {spot.code}")
        raise NotCovered(f"has no zone that is known to be {spot.code}")

    def latest(self, area: str, now_s: float) -> LiveReading:  # noqa: ARG002  # it knows the time
        said = self._ask("latest", area)
        return LiveReading(
            ABOUT.name,
            text(said, "zone"),
            number(said, "carbonIntensity"),
            "life-cycle",
            moment(said, "datetime"),
            is_estimated=isinstance(said, dict) and said.get("isEstimated") is True,
        )

    def forecast(self, area: str, now_s: float) -> Forecast:  # noqa: ARG002  # it knows the time
        said = self._ask("forecast", area, horizonHours="24")
        points = tuple(
            ForecastPoint(moment(point, "datetime"), number(point, "carbonIntensity"))
            for point in items(said, "forecast")
        )
        return Forecast(ABOUT.name, text(said, "zone"), "life-cycle", points)

    def _ask(self, what: str, area: str, **more: str) -> object:
        cloud, colon, region = area.partition(":")
        where = (
            {"dataCenterProvider": cloud, "dataCenterRegion": region} if colon else {"zone": area}
        )
        said = self.endpoint.get(
            f"/v3/carbon-intensity/{what}", {**where, **more, **_ASKED}, {"auth-token": self.token}
        )
        # Older answers leave it out; one that counts something else must not pass for ours.
        if isinstance(said, dict) and said.get("emissionFactorType", "lifecycle") != "lifecycle":
            raise Nonsense("gives a figure that is not life-cycle, as was asked")
        return said
