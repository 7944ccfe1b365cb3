"""What a place's figure stands on, with or without a live reading. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Final

from greencell.carbon.grid_table import GridTable
from greencell.carbon.live.provider import About
from greencell.model import CarbonInfo, Forecast, LiveReading

_OFFICIAL: Final = "-OFFICIAL"


def at_rest(home: CarbonInfo, table: GridTable, about: About) -> CarbonInfo:
    """What counts while there is no reading: the table's figure, in the provider's basis if it can.

    Whoever asks a provider of direct figures wants them; where a state publishes a direct one of
    its own (Great Britain does), a session that falls back to it stays in one basis. Elsewhere
    the table's life-cycle figure counts, and the session's ``bases`` tell of both.
    """
    if about.basis != "direct" or home.factor.basis == "direct":
        return home
    code = home.factor.zone + _OFFICIAL
    if code not in table.codes():
        return home
    official = table.find(code)
    factor = replace(
        home.factor,
        intensity_g_per_kwh=official.intensity_g_per_kwh,
        basis=official.basis,
        relative_error=official.relative_error,
    )
    return replace(
        home,
        factor=factor,
        basis=official.basis_words,
        year=official.year,
        source=official.source,
    )


def with_reading(rest: CarbonInfo, about: About, reading: LiveReading) -> CarbonInfo:
    """The place with what was heard of it. The zone's code stays, so that cells follow it.

    A marginal figure answers another question: it stands beside the factor and changes nothing.
    """
    if reading.basis == "marginal":
        return replace(rest, marginal=reading)
    # No provider tells how sure it is; the table's own uncertainty stays.
    factor = replace(
        rest.factor, intensity_g_per_kwh=reading.intensity_g_per_kwh, basis=reading.basis
    )
    words = [about.period, reading.basis, *(["estimated"] if reading.is_estimated else [])]
    return replace(
        rest,
        factor=factor,
        basis=", ".join(words),
        year=datetime.fromtimestamp(reading.at, tz=timezone.utc).year,
        source=about.credit,
        live=reading,
    )


def from_now(forecast: Forecast | None, now_s: float) -> Forecast | None:
    """What of a forecast is still to come, from the point that holds now."""
    if forecast is None:
        return None
    past = sum(point.at <= now_s for point in forecast.points)
    points = forecast.points[max(0, past - 1) :]
    # The last point alone tells nothing ahead.
    return replace(forecast, points=points) if len(points) > 1 else None
