"""WattTime, API v3: what one kWh more causes. Marginal, so it is shown beside, in no sum."""

from __future__ import annotations

import base64
from typing import Final

from greencell.carbon.live.answer import items, member, moment, number, text
from greencell.carbon.live.failures import NoData, Nonsense, NotCovered, Refused
from greencell.carbon.live.http import Endpoint
from greencell.carbon.live.provider import About, Spot
from greencell.carbon.live.secret import Secret
from greencell.model import Forecast, ForecastPoint, LiveReading
from greencell.units import G_PER_KWH_PER_LB_PER_MWH

BASE: Final = "https://api.watttime.org"
USER_VARIABLE: Final = "GREENCELL_WATTTIME_USER"
PASSWORD_VARIABLE: Final = "GREENCELL_WATTTIME_PASSWORD"  # noqa: S105  # a variable's name
REGION_VARIABLE: Final = "GREENCELL_WATTTIME_REGION"
ABOUT: Final = About(
    id="watttime",
    name="WattTime",
    basis="marginal",
    period="every 5 minutes",
    cache_s=300.0,
    credit="WattTime, live",
    remedy=f"set {USER_VARIABLE}, {PASSWORD_VARIABLE} and %reload_ext greencell",
)
_SIGNAL: Final = "co2_moer"
_UNITS: Final = "lbs_co2_per_mwh"


class WattTime:
    """The client.

    Args:
        region: as WattTime calls it, e.g. ``CAISO_NORTH``; ``None`` to have it told by the
            coordinates of a cloud region's city.
    """

    def __init__(
        self, endpoint: Endpoint, user: Secret, password: Secret, region: str | None
    ) -> None:
        self._endpoint = endpoint
        pair = f"{user.reveal()}:{password.reveal()}".encode("ascii")
        self._login = Secret(f"Basic {base64.b64encode(pair).decode('ascii')}")
        self._region = region
        self._regions: dict[str, str] = {}
        self._bearer: Secret | None = None

    @property
    def about(self) -> About:
        return ABOUT

    def covers(self, spot: Spot) -> str:
        if self._region is not None:
            return self._region
        if spot.coordinates is None:
            raise NotCovered(f"must be told its region for {spot.code} ({REGION_VARIABLE})")
        latitude, longitude = spot.coordinates
        return f"{latitude:g},{longitude:g}"

    def latest(self, area: str, now_s: float) -> LiveReading:
        points = self.forecast(area, now_s)
        first = points.points[0]  # is now
        return LiveReading(ABOUT.name, points.zone, first.intensity_g_per_kwh, "marginal", first.at)

    def forecast(self, area: str, now_s: float) -> Forecast:  # noqa: ARG002  # it knows the time
        region = self._region_of(area)
        said = self._ask(
            "/v3/forecast", {"region": region, "signal_type": _SIGNAL, "horizon_hours": "24"}
        )
        units = text(member(said, "meta"), "units")
        if units != _UNITS:
            # A rank from 0 to 100 looks like an intensity, and is often taken for one.
            what = "a rank (percentile)" if units == "percentile" else "another unit"
            raise Nonsense(f"gives {what} for {region}, which is no intensity")
        points = tuple(
            ForecastPoint(
                moment(point, "point_time"), number(point, "value") * G_PER_KWH_PER_LB_PER_MWH
            )
            for point in items(said, "data")
        )
        if not points:
            raise NoData(f"has no figure of {region} now")
        return Forecast(ABOUT.name, region, "marginal", points)

    def _region_of(self, area: str) -> str:
        latitude, comma, longitude = area.partition(",")
        if not comma:
            return area
        if area not in self._regions:
            where = {"latitude": latitude, "longitude": longitude, "signal_type": _SIGNAL}
            self._regions[area] = text(self._ask("/v3/region-from-loc", where), "region")
        return self._regions[area]

    def _ask(self, path: str, query: dict[str, str]) -> object:
        """A question with the half hour's token, renewed once where it has run out."""
        if self._bearer is not None:
            try:
                return self._endpoint.get(path, query, {"Authorization": self._bearer})
            except Refused:
                self._bearer = None
        said = self._endpoint.get("/login", headers={"Authorization": self._login})
        token = member(said, "token")
        try:
            # Held to the same rules as ours: a line break in it would begin another header.
            bearer = Secret(f"Bearer {Secret(token if isinstance(token, str) else '').reveal()}")
        except ValueError:
            raise Nonsense("gives a token that cannot be one") from None
        answer = self._endpoint.get(path, query, {"Authorization": bearer})
        self._bearer = bearer
        return answer
