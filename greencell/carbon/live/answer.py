"""A look into a provider's answer that takes nothing for granted. Pure."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Final

from greencell.carbon.live.failures import NoData, Nonsense
from greencell.model import Basis, Forecast, LiveReading

MAX_G_PER_KWH: Final = 1_500.0
"""No grid's mix is above coal's, about 1,300 g/kWh over its life cycle."""
MAX_AGE_S: Final = 3 * 3_600.0
MAX_AHEAD_S: Final = 3_600.0
"""An hour's figure may be dated by the hour's end."""


def member(value: object, name: str) -> object:
    """What stands under ``name``; ``None`` where it stands so.

    Raises:
        Nonsense: it is missing. So do the functions below, where it is not of their kind.
    """
    if not isinstance(value, dict) or name not in value:
        raise Nonsense(f"leaves {name} out of its answer")
    return value[name]


def items(value: object, name: str) -> list[object]:
    """A list."""
    found = member(value, name)
    if not isinstance(found, list):
        raise Nonsense(f"gives a {name} that is no list")
    return found


def text(value: object, name: str) -> str:
    """A word, fit to be shown."""
    found = member(value, name)
    if not isinstance(found, str) or not found or not found.isprintable():
        raise Nonsense(f"gives a {name} that is no word")
    return found[:60]


def number(value: object, name: str) -> float:
    """A finite number; one in quotes is none."""
    found = member(value, name)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise Nonsense(f"gives a {name} that is no number")
    try:
        converted = float(found)
    except OverflowError:
        converted = math.inf
    if not math.isfinite(converted):
        raise Nonsense(f"gives a {name} that is no number")
    return converted


def moment(value: object, name: str) -> float:
    """A time in ISO 8601, in s since the epoch; without a zone it is UTC."""
    found = member(value, name)
    try:
        if not isinstance(found, str):
            raise TypeError
        at = datetime.fromisoformat(found.removesuffix("Z"))
        if found.endswith("Z") or at.tzinfo is None:
            at = at.replace(tzinfo=timezone.utc)
        return at.timestamp()
    except (TypeError, ValueError, OverflowError):
        raise Nonsense(f"gives a {name} that is no time") from None


def believed(reading: LiveReading, now_s: float) -> LiveReading:
    """The reading, if it can be true and is of now.

    Raises:
        Nonsense: no grid has such an intensity.
        NoData: it is too old, or of a time to come.
    """
    _plausible(reading.intensity_g_per_kwh, reading.basis)
    if reading.at < now_s - MAX_AGE_S:
        raise NoData("has no figure of the last 3 hours")
    if reading.at > now_s + MAX_AHEAD_S:
        raise NoData("gives a figure of a time to come")
    return reading


def believed_forecast(forecast: Forecast) -> Forecast:
    """The forecast in the order of time, if all of it can be true.

    Raises:
        Nonsense: it cannot, or is empty.
    """
    if not forecast.points:
        raise Nonsense("gives an empty forecast")
    for point in forecast.points:
        _plausible(point.intensity_g_per_kwh, forecast.basis)
    points = tuple(sorted(forecast.points, key=lambda point: point.at))
    return Forecast(forecast.provider, forecast.zone, forecast.basis, points)


def _plausible(intensity_g_per_kwh: float, basis: Basis) -> None:
    # Where wind is switched off for want of takers, one kWh more costs nothing; a mix is never 0.
    real = intensity_g_per_kwh > 0.0 or (basis == "marginal" and intensity_g_per_kwh == 0.0)
    if not real or intensity_g_per_kwh > MAX_G_PER_KWH:
        raise Nonsense(f"says {intensity_g_per_kwh:.4g} g/kWh, which no grid has")
