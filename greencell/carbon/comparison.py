"""The same work elsewhere: its energy at the figures of other places. Pure apart from the table.

Only like is compared with like: a place whose figure counts direct emissions stands apart from one
whose figure is life-cycle, without a ratio. A country or a subdivision keeps the building of here,
because the building does not change with the country; a cloud region has its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from greencell.carbon.footprint import footprint
from greencell.carbon.grid_table import WORLD, GridTable, Zone
from greencell.model import Basis, CarbonInfo, Interval

MAX_ROWS: Final = 20
_SHOWN: Final = 8
_SAME: Final = 0.01
"""Intensities that differ by less were one."""
_COUNTRIES: Final = ("NO", "FR", "GB", "DE", "US", "CN", "IN", "PL", "ZA")
_SUBDIVISIONS: Final = ("CA-QC", "US-WA", "US-CA", "US-NY", "US-TX", "US-VA", "AU-NSW", "US-WV")
"""From clean to dirty, direct basis."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The work in one place.

    Attributes:
        is_comparable: whether its figure counts the same as that of here.
        ratio: to here; ``None`` where it must not be told.
    """

    zone: str
    zone_name: str
    co2_g: Interval
    intensity_g_per_kwh: float
    pue: float
    basis: Basis
    year: int | None
    is_here: bool
    is_comparable: bool
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Places, the least CO2 first, with a line where some must not be compared."""

    rows: tuple[Elsewhere, ...]
    note: str


def compare(
    energy_kwh: Interval, here_g: Interval, bases: Sequence[str], here: CarbonInfo,
    zones: Iterable[Zone],
) -> Comparison:  # fmt: skip
    """The work here and in each of the zones.

    Args:
        energy_kwh: IT energy of the work.
        here_g: what it was in CO2e, as it was booked.
        bases: what the figures count that it was booked with.
    """
    factor = here.factor
    basis = factor.basis if len(set(bases) | {factor.basis}) == 1 else "mixed"
    comparable = basis in ("life-cycle", "direct")
    intensity = here_g.value / (energy_kwh.value * factor.pue) if energy_kwh.value > 0 else 0.0
    rows = [
        Elsewhere(
            factor.zone, here.zone_name, here_g, intensity or factor.intensity_g_per_kwh,
            factor.pue, basis, here.year, is_here=True, is_comparable=True,
            ratio=1.0 if here_g.value > 0 else None,
        )
    ]  # fmt: skip
    for zone in zones:
        if zone.code == factor.zone or len(rows) >= MAX_ROWS:
            continue
        pue = factor.pue if zone.pue is None else zone.pue
        there = footprint(energy_kwh, zone.factor(pue))
        alike = comparable and zone.basis == basis
        ratio = there.co2_g.value / here_g.value if alike and here_g.value > 0 else None
        rows.append(
            Elsewhere(
                zone.code, zone.name, there.co2_g, zone.intensity_g_per_kwh, pue, zone.basis,
                zone.year, is_here=False, is_comparable=alike, ratio=ratio,
            )
        )  # fmt: skip
    rows.sort(key=lambda row: row.co2_g.value)
    moved = intensity > 0.0 and abs(intensity / factor.intensity_g_per_kwh - 1.0) > _SAME
    mean = "Here is the mean of the places and hours that it ran in." if moved else ""
    return Comparison(tuple(rows), " ".join(filter(None, (mean, _note(basis, rows)))))


def telling_zones(here: CarbonInfo, table: GridTable) -> list[Zone]:
    """A few places to compare with, of the same basis as here where there are any."""
    zone, basis = here.factor.zone, here.factor.basis
    provider = zone.partition(":")[0] if ":" in zone else ""
    if provider:
        regions = [table.find(code) for code in table.regions_of(provider)]
        alike = sorted((z for z in regions if z.basis == basis), key=_per_kwh)
        return _spread(alike, _SHOWN)
    codes = _SUBDIVISIONS if basis == "direct" else (WORLD, *_COUNTRIES)
    return [table.find(code) for code in codes if code != zone][: _SHOWN + 1]


def _spread(zones: Sequence[Zone], count: int) -> list[Zone]:
    """The first, the last, and as many between them as asked for."""
    if len(zones) <= count:
        return list(zones)
    return [zones[round(index * (len(zones) - 1) / (count - 1))] for index in range(count)]


def _per_kwh(zone: Zone) -> float:
    return zone.intensity_g_per_kwh * (zone.pue or 1.0)


def _note(basis: Basis, rows: Sequence[Elsewhere]) -> str:
    apart = [row.zone for row in rows if not row.is_comparable]
    if not apart:
        return ""
    if basis == "mixed":
        return "This session mixes life-cycle and direct figures, so no ratio to it can be told."
    if basis not in ("life-cycle", "direct"):
        return "What the intensity of here counts is not known, so no ratio to it can be told."
    names = ", ".join(apart[:4]) + (" …" if len(apart) > 4 else "")  # noqa: PLR2004  # a line
    return (
        f"{names}: of another basis than here ({basis}), so not to be compared; direct figures "
        "leave out fuel supply, methane and the building of plants."
    )
