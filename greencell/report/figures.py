"""Where numbers become words: units, rounding and intervals for people. The only such place.

Three significant digits, two and a sign for what is not purely measured; unknown is a dash,
never 0. A figure is shown as its interval allows: by its two ends where no number stands for
both, by what it is below where its meter is too slow for it, as "≥" where a part is missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from greencell.model import INCOMPLETE

Form = Literal["value", "range", "below", "unknown"]
"""As what a figure can honestly be shown: itself, its two ends, what it is below, or a dash."""
Quantity = Literal["energy", "co2"]
Units = tuple[tuple[float, str], ...]
"""How much of the base unit each is, the largest first, with its sign."""

UNKNOWN = "–"
UNKNOWN_WORD = "unknown"
NARROW_SPACE = "\u202f"
PROVISIONAL = " …"
AT_LEAST: Final = f"≥{NARROW_SPACE}"
BELOW: Final = f"<{NARROW_SPACE}"
ABOUT: Final = f"≈{NARROW_SPACE}"
TOO_SHORT: Final = "too-short"
RANGE_RATIO = 3.0
"""Where the high end is more than this many times the low one, no number stands for both."""
NARROW = 0.3
"""Up to here an interval is told by one number after ±."""
OTHERS_FROM: Final = 0.005
"""A smaller part of others is noise."""
_MEASURED_DIGITS, _ROUGH_DIGITS = 3, 2
_BIT = 1e-9
"""Rounding outwards must not be driven by the last bit of a division."""
_ENERGY_UNITS: Units = ((1.0, "kWh"), (1e-3, "Wh"), (1e-6, "mWh"), (1e-9, "µWh"), (1e-12, "nWh"))
_JOULE_UNITS: Units = ((1e3, "kJ"), (1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ"))
MASS_UNITS: Units = ((1.0, "kg"), (1e-3, "g"), (1e-6, "mg"), (1e-9, "µg"), (1e-12, "ng"))
_UNITS: Final[Mapping[Quantity, Units]] = {"energy": _ENERGY_UNITS, "co2": MASS_UNITS}
_KEY_UNIT: Final[Mapping[Quantity, str]] = {"energy": "kwh", "co2": "kg"}
_LEAST_MS_AS_S, _LEAST_S_AS_MIN = 0.9995, 59.95
"""What would be rounded to 1000 ms and to 60.0 s is told in the next unit."""
_MINUTE_S, _HOUR_S = 60, 3600
_LEGEND: Final = (
    (BELOW, "too short for this meter; %%energy repeats it until it can tell"),
    (AT_LEAST, "incomplete: at least this much"),
    (PROVISIONAL, "provisional: final at the meter's next tick"),
    (UNKNOWN, UNKNOWN_WORD),
)


# -- figures with their interval ---------------------------------------------------------------


def form(item: Mapping[str, Any], quantity: Quantity) -> Form:
    """The form in which the energy or the CO2 of a cell, or of the totals, is shown."""
    low, value, high = _ends(item, quantity)
    if value is None:
        return "unknown"
    if is_too_short(item):
        # With readings missing, the high end is no bound either.
        return "unknown" if high is None or is_incomplete(item) else "below"
    wide = low is not None and high is not None and high > RANGE_RATIO * max(0.0, low)
    return "range" if wide else "value"


def figure(item: Mapping[str, Any], quantity: Quantity) -> str:
    """All that is known: "3.42 Wh", "≈ 3.4 Wh", "0.4–1.9 Wh", "< 0.2 Wh", "≥ 3.42 Wh …"."""
    units, shape = _UNITS[quantity], form(item, quantity)
    low, value, high = _ends(item, quantity)
    least = AT_LEAST if is_incomplete(item) else ""
    if shape == "unknown":
        text, least = UNKNOWN, ""
    elif shape == "below":
        text = _below(high or 0.0, units)
    elif shape == "range":
        text = _range(low or 0.0, high or 0.0, units)
    else:
        text = _scaled(value, units, estimated=is_estimated(item))
        least = least or (mark(item) if value else "")
    return least + text + (PROVISIONAL if item.get("final") is False else "")


def aside(item: Mapping[str, Any], quantity: Quantity) -> str:
    """What stands beside the figure: the interval of a value, the best guess within a range."""
    shape = form(item, quantity)
    if is_incomplete(item):
        return "" if shape == "unknown" else "incomplete: at least this much"
    if shape == "value":
        return interval_words(item, quantity)
    if shape == "range":
        _, value, _ = _ends(item, quantity)
        return f"best guess {ABOUT}{_scaled(value, _UNITS[quantity], estimated=True)}"
    return ""


def interval_words(item: Mapping[str, Any], quantity: Quantity) -> str:
    """The interval: "± 4 %", or its two ends, "1.7–6.8 Wh"; empty if unknown."""
    low, value, high = _ends(item, quantity)
    if low is None or value is None or high is None or value <= 0:
        return ""
    above, beneath = high / value - 1, 1 - low / value
    if max(above, beneath) <= NARROW and abs(above - beneath) < 0.1:  # noqa: PLR2004  # about even
        return percent(max(above, beneath))
    return _range(low, high, _UNITS[quantity])


def causes(item: Mapping[str, Any]) -> str:
    """What CO2 is uncertain by, cause by cause: "energy ± 4 %, grid ± 20 %"."""
    energy_words = interval_words(item, "energy")
    grid = item.get("grid_relative_error")
    if not energy_words or grid is None or form(item, "co2") in ("below", "unknown"):
        return ""
    return f"energy {energy_words}, grid {percent(grid)}"


def basis_words(bases: Sequence[str]) -> str:
    """What the intensities of a sum count; a mixture is called one."""
    if len(bases) > 1:
        return f"mixes {' and '.join(bases)} figures"
    return bases[0] if bases else "basis unknown"


def percent(relative: float) -> str:
    """A relative uncertainty: "± 20 %"."""
    return f"±{NARROW_SPACE}{max(1, round(100 * relative))}{NARROW_SPACE}%"


def amount_between(low: float, value: float, high: float, units: Units) -> str:
    """An amount in the unit that suits it, two digits; its ends where no number stands for both."""
    if high > RANGE_RATIO * max(0.0, low):
        return _range(low, high, units)
    return _scaled(value, units, estimated=True)


def part(value_kwh: float | None, item: Mapping[str, Any]) -> str:
    """An energy that has no interval of its own, known as well as that of ``item``."""
    rough = is_estimated(item) or form(item, "energy") == "range"
    return (ABOUT if value_kwh and rough else "") + energy(value_kwh, estimated=rough)


def mean_power(item: Mapping[str, Any]) -> str:
    """The mean power of a run, where its energy is known well enough for one."""
    shape, value_w = form(item, "energy"), item.get("mean_power_w")
    if value_w is None or shape in ("below", "unknown"):
        return UNKNOWN
    sign = ABOUT if shape == "range" else ""
    return sign + power(value_w, estimated=is_estimated(item))


def machine_words(item: Mapping[str, Any]) -> str:
    """What the machine used besides, as far as it is known and of weight; else empty."""
    machine, others = item.get("machine_energy_kwh"), item.get("others_energy_kwh")
    words = []
    if machine and others and machine > 0 and others / machine > OTHERS_FROM:
        percent = f"{max(1, round(100 * min(1.0, others / machine)))}{NARROW_SPACE}%"
        words.append(f"machine {part(machine, item)}, others {percent}")
    if item.get("node_energy_kwh") is not None:
        words.append(f"whole machine by its own meter {energy(item['node_energy_kwh'])}")
    return "; ".join(words)


def legend(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """What the signs in a table of these mean, each once; signs that are not there are not told."""
    used: set[str] = set()
    for item in items:
        if is_too_short(item):
            used.add(BELOW)
        for quantity in _UNITS:
            shown = figure(item, quantity)
            used.update(sign for sign in (AT_LEAST, UNKNOWN) if shown.startswith(sign))
            used.update(sign for sign in (PROVISIONAL,) if shown.endswith(sign))
    return [f"{sign.strip()} {words}" for sign, words in _LEGEND if sign in used]


def is_estimated(item: Mapping[str, Any]) -> bool:
    """Whether any part of a figure comes from a model."""
    return item.get("provenance") != "measured"


def is_too_short(item: Mapping[str, Any]) -> bool:
    """Whether the meter is too slow for this run."""
    return TOO_SHORT in (item.get("flags") or ())


def is_incomplete(item: Mapping[str, Any]) -> bool:
    """Whether a part of the energy is missing, so that there is more of it than the figure says."""
    return not INCOMPLETE.isdisjoint(item.get("flags") or ())


def mark(item: Mapping[str, Any]) -> str:
    """The sign before a figure that is not purely measured."""
    return ABOUT if is_estimated(item) else ""


# -- single numbers ----------------------------------------------------------------------------


def energy(value_kwh: float | None, *, estimated: bool = False) -> str:
    """An energy given in kWh, in the unit that suits it."""
    return _scaled(value_kwh, _ENERGY_UNITS, estimated=estimated)


def joules(value_j: float, *, estimated: bool = False) -> str:
    """An energy given in J, in the unit that suits it; below 0 where idle energy hides it."""
    return _sign(value_j) + _scaled(abs(value_j), _JOULE_UNITS, estimated=estimated)


def joules_below(high_j: float) -> str:
    """What an energy given in J is certainly below."""
    return _below(high_j, _JOULE_UNITS)


def joules_between(low_j: float, high_j: float, *, estimated: bool = False) -> str:
    """Two ends in J in one unit, rounded outwards; either may be below 0."""
    count = _ROUGH_DIGITS if estimated else _MEASURED_DIGITS
    top_j = max(abs(low_j), abs(high_j))
    scale, name = _unit_of(_rounded(top_j, count), _JOULE_UNITS) or _JOULE_UNITS[-1]
    top = top_j / scale or 1.0
    decimals = max(0, count - 1 - math.floor(math.log10(top) + _BIT))
    step = 10.0**-decimals
    low = math.floor(low_j / scale / step + _BIT) * step
    high = math.ceil(high_j / scale / step - _BIT) * step
    first, last = (f"{_sign(end)}{abs(end):.{decimals}f}" for end in (low, high))
    return f"{first} to {last}{NARROW_SPACE}{name}"


def _sign(value: float) -> str:
    return "−" if value < 0 else ""


def co2(value_kg: float | None, *, estimated: bool = False) -> str:
    """A mass of CO2 equivalents given in kg, in the unit that suits it."""
    return _scaled(value_kg, MASS_UNITS, estimated=estimated)


def power(value_w: float | None, *, estimated: bool = False) -> str:
    """A power given in W."""
    if value_w is None:
        return UNKNOWN
    return f"{digits(value_w, _ROUGH_DIGITS if estimated else _MEASURED_DIGITS)}{NARROW_SPACE}W"


def duration(value_s: float | None) -> str:
    """A duration given in s."""
    if value_s is None:
        return UNKNOWN
    if value_s < _LEAST_MS_AS_S:
        return f"{value_s * 1000:.0f}{NARROW_SPACE}ms"
    if value_s < _LEAST_S_AS_MIN:
        return f"{value_s:.1f}{NARROW_SPACE}s"
    whole_s = round(value_s)
    if whole_s < _HOUR_S:
        minutes, seconds = divmod(whole_s, _MINUTE_S)
        return f"{minutes}{NARROW_SPACE}min {seconds:02d}{NARROW_SPACE}s"
    hours, minutes = divmod(whole_s // _MINUTE_S, 60)
    return f"{hours}{NARROW_SPACE}h {minutes:02d}{NARROW_SPACE}min"


def intensity(value_g_per_kwh: float | None) -> str:
    """A carbon intensity, without its unit."""
    return known(digits(value_g_per_kwh))


def general(value: object) -> str:
    """A number as it was set, e.g. a PUE or a count."""
    return f"{value:g}" if isinstance(value, (int, float)) else UNKNOWN_WORD


def known(text: str) -> str:
    """A figure within a sentence, where a dash for the unknown would be misread."""
    return UNKNOWN_WORD if text.strip(PROVISIONAL) == UNKNOWN else text


def share(part: float | None, whole: float | None) -> float:
    """A part as a percentage between 0 and 100, for the length of a bar."""
    if not part or not whole or whole <= 0:
        return 0.0
    return max(0.0, min(100.0, 100.0 * part / whole))


def digits(value: float | None, count: int = _MEASURED_DIGITS) -> str:
    """A number with ``count`` significant digits, without an exponent."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    # Rounded first: 0.9997 is 1.00, with the digits of the rounded number.
    rounded = _rounded(value, count)
    return f"{rounded:.{max(0, count - 1 - math.floor(math.log10(abs(rounded))))}f}"


def _ends(
    item: Mapping[str, Any], quantity: Quantity
) -> tuple[float | None, float | None, float | None]:
    unit = _KEY_UNIT[quantity]
    low, value, high = (item.get(f"{quantity}_{end}{unit}") for end in ("low_", "", "high_"))
    return low, value, high


def _scaled(value: float | None, units: Units, *, estimated: bool) -> str:
    if value is None:
        return UNKNOWN
    if value == 0:
        return f"0{NARROW_SPACE}{units[1][1]}"
    count = _ROUGH_DIGITS if estimated else _MEASURED_DIGITS
    unit = _unit_of(_rounded(value, count), units)
    if unit is None:
        return f"{BELOW}1{NARROW_SPACE}{units[-1][1]}"
    scale, name = unit
    return f"{digits(value / scale, count)}{NARROW_SPACE}{name}"


def _range(low: float, high: float, units: Units) -> str:
    """Two ends in one unit, as many decimals as the high one needs, rounded outwards."""
    top = _rounded_up(high)
    unit = _unit_of(top, units)
    if unit is None:
        return _scaled(high, units, estimated=True)
    scale, name = unit
    to = top / scale
    decimals = max(0, _ROUGH_DIGITS - 1 - math.floor(math.log10(to) + _BIT))
    step = 10.0**-decimals
    # A file that anybody made may have its ends the wrong way round.
    start = math.floor(max(0.0, min(low, high)) / scale / step + _BIT) * step
    first = "0" if start < step / 2 else f"{start:.{decimals}f}"
    return f"{first}–{to:.{decimals}f}{NARROW_SPACE}{name}"


def _below(high: float, units: Units) -> str:
    """What a figure is certainly below."""
    top = _rounded_up(high)
    unit = _unit_of(top, units)
    if unit is None:
        return _scaled(high, units, estimated=True)
    scale, name = unit
    return f"{BELOW}{digits(top / scale, _ROUGH_DIGITS)}{NARROW_SPACE}{name}"


def _unit_of(rounded: float, units: Units) -> tuple[float, str] | None:
    """The largest unit of which it is one or more."""
    return next((unit for unit in units if abs(rounded) >= unit[0] * (1 - _BIT)), None)


def _rounded(value: float, count: int) -> float:
    return float(f"{value:.{count - 1}e}")


def _rounded_up(value: float) -> float:
    """The next number with two digits that is not less."""
    if value <= 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) - _ROUGH_DIGITS + 1)
    return math.ceil(value / step - _BIT) * step
