"""Greener hours ahead: when, within a forecast, the same work would cause the least CO2. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from greencell.model import Forecast, ForecastPoint

LEAST_SAVING: Final = 0.05
"""A smaller difference is within any forecast's error."""
_HOUR_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class BestStart:
    """The hour to begin, and what it would save against beginning now, as a share."""

    at: float
    saving: float
    duration_s: float


def best_start(forecast: Forecast, duration_s: float, now_s: float) -> BestStart | None:
    """When work of ``duration_s`` seconds had better begin; ``None`` if no hour is clearly better.

    A forecast is a staircase, so the least mean lies where the work begins or ends on a step.

    Args:
        now_s: in s since the epoch; nothing before it is proposed.
    """
    end_s = horizon_s(forecast)
    work_s = max(1.0, duration_s)
    if not forecast.points or now_s + work_s > end_s:
        return None
    steps = [point.at for point in forecast.points]
    starts = {now_s, *steps, *(step - work_s for step in [*steps, end_s])}
    starts = {start for start in starts if now_s <= start and start + work_s <= end_s}
    # Of equal hours the first.
    best = min(sorted(starts), key=lambda start: mean_g_per_kwh(forecast, start, work_s))
    now_g = mean_g_per_kwh(forecast, now_s, work_s)
    if now_g <= 0.0:  # a marginal figure may be 0: nothing is better than that
        return None
    saving = 1.0 - mean_g_per_kwh(forecast, best, work_s) / now_g
    return BestStart(best, saving, work_s) if saving >= LEAST_SAVING else None


def horizon_s(forecast: Forecast) -> float:
    """When the last step of a forecast ends, in s since the epoch."""
    points = forecast.points
    if not points:
        return 0.0
    step_s = points[-1].at - points[-2].at if len(points) > 1 else _HOUR_S
    return points[-1].at + step_s


def mean_g_per_kwh(forecast: Forecast, start_s: float, duration_s: float) -> float:
    """The mean intensity from ``start_s`` on; what is before the first step is as in it."""
    end_s, total = start_s + duration_s, 0.0
    ends = [*(point.at for point in forecast.points[1:]), max(end_s, horizon_s(forecast))]
    first: ForecastPoint = forecast.points[0]
    for point, until_s in zip(forecast.points, ends, strict=True):
        from_s = start_s if point is first else max(start_s, point.at)
        total += max(0.0, min(end_s, until_s) - from_s) * point.intensity_g_per_kwh
    return total / duration_s
