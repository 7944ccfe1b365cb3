"""What the rooms of carbon found, in words: footprint, score, places, hours, equivalents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone, tzinfo
from typing import Any, Final

from greencell.carbon.ahead import BestStart
from greencell.carbon.comparison import Comparison, Elsewhere
from greencell.carbon.embodied import Embodied
from greencell.carbon.equivalents import Equivalent
from greencell.carbon.footprint import water_l
from greencell.carbon.sci import STANDARD, Sci
from greencell.model import Forecast, Interval
from greencell.report import figures
from greencell.report.text_formats import cell_name, sorted_cells
from greencell.report.work import Work

_G_PER_KG: Final = 1_000.0
_BAR: Final = "▏▎▍▌▋▊▉█"
_BAR_WIDTH: Final = 24
_MAX_NAME: Final = 34
_LEAST: Final = 1e-3
"""A smaller count of something means nothing to anybody."""
_NARROW: Final = figures.NARROW_SPACE
_TIME_UNITS: Final = (
    (8_760.0, "years"),
    (24.0, "days"),
    (1.0, "h"),
    (1 / 60, "min"),
    (1 / 3_600, "s"),
    (1 / 3.6e6, "ms"),
    (1 / 3.6e9, "µs"),
)
_WAY_UNITS: Final = ((1.0, "km"), (1e-3, "m"), (1e-5, "cm"), (1e-6, "mm"))
_VOLUME_UNITS: Final = ((1.0, "L"), (1e-3, "mL"), (1e-6, "µL"))


def grams(mass_g: Interval) -> str:
    """A mass of CO2e: one number, or its ends where they are far apart."""
    kg = (mass_g.low / _G_PER_KG, mass_g.value / _G_PER_KG, mass_g.high / _G_PER_KG)
    return figures.amount_between(*kg, figures.MASS_UNITS)


# -- footprint and score -----------------------------------------------------------------------


def footprint_text(work: Work, made: Embodied | None, *, water: bool) -> str:
    """The parts of a footprint, a line each, with every assumption."""
    print_of, factor = work.footprint, work.factor
    lines = [
        f"Operational   {grams(work.co2_g)} CO2e = E × I × PUE",
        f"  E           {_energy(work.energy_kwh)} at the meters",
        f"  I           {figures.intensity(factor.intensity_g_per_kwh)} g CO2e/kWh "
        f"{figures.percent(factor.relative_error)} ({figures.basis_words(work.bases)}; "
        "location-based, certificates and offsets not deducted)",
        f"  PUE         {figures.general(round(factor.pue, 3))}",
        f"  uncertain   by the energy {_ends(print_of.from_energy_g)}; "
        f"by the grid {_ends(print_of.from_grid_g)}; by both {_ends(work.co2_g)}",
    ]
    if made is not None:
        lines.append(
            f"Embodied      {grams(made.mass_g)} CO2e, estimated (M = TE × time/life × share; "
            "making, not end of life)"
        )
        lines += [f"  assumed     {assumption}" for assumption in made.assumptions]
    else:
        lines.append("Embodied      not included; --embodied estimates it")
    if water:
        lines.append(_water(work))
    return "\n".join(lines)


def cells_footprint_text(
    document: Mapping[str, Any], made: Callable[[float], Embodied] | None
) -> str:
    """Operational CO2e of each cell with what it is uncertain by, and its embodied share.

    Args:
        made: the hardware's share of so many seconds, where it was asked for.
    """
    head = ["cell", "operational", "of which uncertain"] + (["embodied"] if made else [])
    rows = [head]
    for cell in sorted_cells(document, "order"):
        nested = "  " if cell["parent"] is not None else ""
        row = [nested + _short(cell_name(cell)), figures.figure(cell, "co2"), figures.causes(cell)]
        if made is not None:
            duration_s = cell["duration_s"]
            row.append(figures.UNKNOWN if duration_s is None else grams(made(duration_s).mass_g))
        rows.append(row)
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = [
        "  ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    if len(rows) == 1:
        lines.append("no cell has been measured yet")
    if made is not None:
        lines += [f"embodied, estimated; assumed: {line}" for line in made(0.0).assumptions]
    return "\n".join(lines)


def sci_text(score: Sci, work: Work, made: Embodied | None) -> str:
    """The score, what it is per, and its parts."""
    unit = score.unit
    count = "" if unit.count == 1 else f", {unit.count:g} of them"
    lines = [
        f"SCI = {grams(score.per_unit_g)} CO2e per {unit.name}{count}  "
        f"(((E × I) + M) per R, {STANDARD})",
        f"  E × I  {grams(score.operational_g)} CO2e: {_energy(work.energy_kwh)} × PUE "
        f"{figures.general(round(work.factor.pue, 3))} at "
        f"{figures.intensity(work.factor.intensity_g_per_kwh)} g/kWh, location-based "
        "(no certificates or offsets deducted), "
        f"{figures.basis_words(work.bases)}",
    ]
    if made is None:
        lines.append("  M      not included; --embodied estimates it")
    else:
        lines.append(f"  M      {grams(made.mass_g)} CO2e, estimated")
        lines += [f"         assumed: {assumption}" for assumption in made.assumptions]
    return "\n".join(lines)


def _water(work: Work) -> str:
    if work.wue_l_per_kwh is None:
        return "Water         not known: no figure is published for this place"
    litres = water_l(work.energy_kwh, work.wue_l_per_kwh)
    amount = figures.amount_between(litres.low, litres.value, litres.high, _VOLUME_UNITS)
    return (
        f"Water         {amount} on site, at {work.wue_l_per_kwh:g} L per kWh of IT energy "
        "(not times the PUE; that of power plants is not counted)"
    )


# -- elsewhere ---------------------------------------------------------------------------------


def comparison_text(comparison: Comparison, work: Work) -> str:
    """Bars for a terminal, the least first."""
    largest_g = max((row.co2_g.value for row in comparison.rows), default=0.0)
    alike = [row for row in comparison.rows if row.is_comparable]
    apart = [row for row in comparison.rows if not row.is_comparable]
    lines = [f"This session's {_energy(work.energy_kwh)} elsewhere", *_bars(alike, largest_g)]
    if comparison.note:
        lines += [comparison.note, *_bars(apart, largest_g)]
    return "\n".join(lines)


def ratio_words(row: Elsewhere) -> str:
    """How it compares with here."""
    if row.is_here:
        return "here"
    if row.ratio is None:
        return ""
    return f"×{_NARROW}{figures.digits(row.ratio, 2)}"


def _bars(rows: Sequence[Elsewhere], largest_g: float) -> list[str]:
    codes = max((len(row.zone) for row in rows), default=0)
    names = [_short(row.zone_name) for row in rows]
    width = max(map(len, names), default=0)
    masses = [grams(row.co2_g) for row in rows]
    mass_width = max(map(len, masses), default=0)
    return [
        f"{'▸' if row.is_here else ' '} {row.zone.ljust(codes)}  {name.ljust(width)}  "
        f"{_bar(row.co2_g.value, largest_g).ljust(_BAR_WIDTH)}  {mass.rjust(mass_width)}  "
        f"{ratio_words(row)}".rstrip()
        for row, name, mass in zip(rows, names, masses, strict=True)
    ]


def _bar(value: float, largest: float) -> str:
    eighths = round(8 * _BAR_WIDTH * value / largest) if largest > 0 else 0
    whole, rest = divmod(max(1, eighths), 8)
    return _BAR[-1] * whole + (_BAR[rest - 1] if rest else "")


# -- ahead -------------------------------------------------------------------------------------


def ahead_words(
    best: BestStart | None, forecast: Forecast, now_s: float, zone: tzinfo | None = None
) -> str:
    """Whether waiting would help, in one sentence, in local time."""
    kind = "marginal" if forecast.basis == "marginal" else forecast.basis
    source = f"{forecast.provider}'s forecast for {forecast.zone}, {kind}"
    if best is None:
        return f"No hour ahead is clearly better ({source})."
    saving = f"{round(100 * best.saving)}{_NARROW}%"
    return f"Starting {clock_words(best.at, now_s, zone)} would save {saving} ({source})."


def clock_words(at_s: float, now_s: float, zone: tzinfo | None = None) -> str:
    """An hour of today, tomorrow or a day with its name, in local time."""
    at, now = (datetime.fromtimestamp(s, tz=timezone.utc).astimezone(zone) for s in (at_s, now_s))
    days = (at.date() - now.date()).days
    day = {0: "", 1: "tomorrow "}.get(days, f"{at:%A} ")
    return f"{day}at {at:%H:%M}"


# -- equivalents -------------------------------------------------------------------------------


def equivalent_words(one: Equivalent) -> str:
    """One equivalent: "a 9 W LED lamp for 14 min"."""
    ends = (one.amount.low, one.amount.value, one.amount.high)

    def amount(units: figures.Units) -> str:
        return figures.amount_between(*ends, units)

    match one.key:
        case "led_bulb_hour_kwh":
            return f"a 9 W LED lamp for {amount(_TIME_UNITS)}"
        case "laptop_hour_kwh":
            return f"a laptop of 50 W for {amount(_TIME_UNITS)}"
        case "litre_water_boiled_kwh":
            return f"bringing {amount(_VOLUME_UNITS)} of water to the boil"
        case "smartphone_charge_kwh":
            return f"{_number(one.amount)} charges of a smartphone"
        case "tree_seedling_10_years":
            return f"{_trees(one.amount)} takes up in ten years"
        case _:
            return f"{amount(_WAY_UNITS)} in {_CARS.get(one.key, 'a car')}"


_CARS: Final = {
    "car_eu_fleet_km": "an average European car",
    "car_us_km": "an average US car",
    "car_uk_petrol_km": "an average British petrol car",
}


def equivalents_text(found: Iterable[Equivalent]) -> str:
    """A line each, with its source."""
    lines = ["As much energy as"]
    lines += [f"  {equivalent_words(e)}  ({e.source})" for e in found if e.kind == "energy"]
    lines.append("As much CO2e as")
    lines += [f"  {equivalent_words(e)}  ({e.source})" for e in found if e.kind == "co2"]
    return "\n".join(lines)


def _trees(amount: Interval) -> str:
    """Whole trees, or a part of one."""
    if amount.value >= 1.0:
        return f"what {_number(amount)} tree seedlings each"
    percent = Interval(100 * amount.low, 100 * amount.value, 100 * amount.high)
    return f"{_number(percent)}{_NARROW}% of what a tree seedling"


def _number(amount: Interval) -> str:
    wide = amount.high > figures.RANGE_RATIO * max(0.0, amount.low)
    if wide and amount.low >= _LEAST:
        return f"{_digits(amount.low)} to {_digits(amount.high)}"
    return f"up to {_digits(amount.high)}" if wide else _digits(amount.value)


def _digits(value: float) -> str:
    return f"{figures.BELOW}{_LEAST}" if 0 < value < _LEAST else figures.digits(value, 2)


def _energy(energy_kwh: Interval) -> str:
    item = {
        "energy_kwh": energy_kwh.value,
        "energy_low_kwh": energy_kwh.low,
        "energy_high_kwh": energy_kwh.high,
    }
    return figures.figure(item, "energy")


def _ends(mass_g: Interval) -> str:
    item = {
        "co2_kg": mass_g.value / _G_PER_KG,
        "co2_low_kg": mass_g.low / _G_PER_KG,
        "co2_high_kg": mass_g.high / _G_PER_KG,
    }
    return figures.interval_words(item, "co2") or "not at all"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MAX_NAME else text[: _MAX_NAME - 1] + "…"
