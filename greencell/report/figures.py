"""Where numbers become words: units, rounding and intervals for people. The only such place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

UNKNOWN = "–"
NARROW_SPACE = "\u202f"
RANGE_RATIO = 3.0
"""If the interval spans more than this, a range says more than a number."""
_ENERGY_UNITS = ((1.0, "kWh"), (1e-3, "Wh"), (1e-6, "mWh"), (1e-9, "µWh"), (1e-12, "nWh"))
_MASS_UNITS = ((1.0, "kg"), (1e-3, "g"), (1e-6, "mg"), (1e-9, "µg"), (1e-12, "ng"))
_MINUTE_S, _HOUR_S = 60.0, 3600.0


def energy(value_kwh: float | None, *, estimated: bool = False) -> str:
    """An energy given in kWh, in the unit that suits it."""
    return _scaled(value_kwh, _ENERGY_UNITS, estimated)


def co2(value_kg: float | None, *, estimated: bool = False) -> str:
    """A mass of CO2 equivalents given in kg, in the unit that suits it."""
    return _scaled(value_kg, _MASS_UNITS, estimated)


def power(value_w: float | None, *, estimated: bool = False) -> str:
    """A power given in W."""
    if value_w is None:
        return UNKNOWN
    return f"{digits(value_w, 2 if estimated else 3)}{NARROW_SPACE}W"


def duration(value_s: float | None) -> str:
    """A duration given in s."""
    if value_s is None:
        return UNKNOWN
    if value_s < 1:
        return f"{value_s * 1000:.0f}{NARROW_SPACE}ms"
    if value_s < _MINUTE_S:
        return f"{value_s:.1f}{NARROW_SPACE}s"
    minutes, seconds = divmod(round(value_s), 60)
    if value_s < _HOUR_S:
        return f"{minutes}{NARROW_SPACE}min {seconds:02d}{NARROW_SPACE}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{NARROW_SPACE}h {minutes:02d}{NARROW_SPACE}min"


def share(part: float | None, whole: float | None) -> float:
    """A part as a percentage between 0 and 100, for the length of a bar."""
    if not part or not whole or whole <= 0:
        return 0.0
    return max(0.0, min(100.0, 100.0 * part / whole))


def interval_words(item: Mapping[str, Any], quantity: str) -> str:
    """The interval of ``energy`` (kWh) or ``co2`` (kg) of a cell or the totals."""
    unit = "kwh" if quantity == "energy" else "kg"
    low, value, high = (item.get(f"{quantity}_{part}{unit}") for part in ("low_", "", "high_"))
    if low is None or value is None or high is None or value <= 0:
        return ""
    relative = max(high / value - 1, 1 - low / value)
    if relative <= 0.3 and abs((high - value) - (value - low)) < 0.1 * value:  # noqa: PLR2004
        return f"±{NARROW_SPACE}{max(1, round(100 * relative))}{NARROW_SPACE}%"
    show = energy if quantity == "energy" else co2
    return f"between {show(low, estimated=True)} and {show(high, estimated=True)}"


def is_estimated(item: Mapping[str, Any]) -> bool:
    """Whether any part of a figure comes from a model."""
    return item.get("provenance") != "measured"


def mark(item: Mapping[str, Any]) -> str:
    """The sign before a figure that is not purely measured."""
    return "≈" + NARROW_SPACE if is_estimated(item) else ""


def digits(value: float, count: int = 3) -> str:
    """A number with ``count`` significant digits, without an exponent."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else UNKNOWN
    # Rounded first: 0.9997 is 1.00, with the digits of the rounded number.
    rounded = float(f"{value:.{count - 1}e}")
    return f"{rounded:.{max(0, count - 1 - math.floor(math.log10(abs(rounded))))}f}"


def _scaled(value: float | None, units: tuple[tuple[float, str], ...], estimated: bool) -> str:
    if value is None:
        return UNKNOWN
    for scale, unit in units:
        if abs(value) >= scale * 0.9995:
            return f"{digits(value / scale, 2 if estimated else 3)}{NARROW_SPACE}{unit}"
    scale, unit = units[-1]
    if value == 0:
        return f"0{NARROW_SPACE}{unit}"
    return f"<{NARROW_SPACE}1{NARROW_SPACE}{unit}"
