"""A zone: a place with the carbon intensity of its electricity, and how well that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from greencell.errors import UsageError
from greencell.model import Basis, CarbonFactor

GRID_RELATIVE_ERROR: Final = 0.2
"""About 95 % uncertainty of an annual average: Ember against Electricity Maps, 184 countries,
median -3 %, middle half -18 % to +7 %."""
RELATIVE_ERRORS: Final[dict[str, float]] = {
    "ok": GRID_RELATIVE_ERROR,
    # Over four years 95 % of all countries changed by less than 39 % (Ember, 2018 to 2025).
    "stale": 0.4,
    # A grid of some GWh a year, published with two decimals of a TWh: one digit of quotient.
    "rounded": 0.5,
    # Another figure stands in: hydropower plants differ by more than their median (IPCC AR5).
    "substituted": 1.0,
}
_MAX_SHOWN = 10


class UnknownZone(UsageError):
    """No such zone. ``suggestions`` are the nearest names."""

    def __init__(self, query: str, suggestions: Sequence[str]) -> None:
        near = f" Near: {', '.join(suggestions)}." if suggestions else ""
        super().__init__(
            f"Unknown zone {query[:60]!r}.{near} A zone is a country (FR, FRA, France), "
            "a subdivision (US-CA), a cloud region (aws:eu-west-3) or WORLD for the average."
        )
        self.query = query
        self.suggestions = tuple(suggestions)


class AmbiguousZone(UsageError):
    """Several zones fit. ``candidates`` are their codes, with their names in the message."""

    def __init__(self, query: str, candidates: Sequence[tuple[str, str]]) -> None:
        shown = ", ".join(f"{code} ({name})" for code, name in candidates[:_MAX_SHOWN])
        left_out = len(candidates) - _MAX_SHOWN
        more = f" and {left_out} more" if left_out > 0 else ""
        super().__init__(f"Zone {query[:60]!r} fits several: {shown}{more}. Give one of the codes.")
        self.query = query
        self.candidates = tuple(code for code, _ in candidates)


@dataclass(frozen=True, slots=True)
class Zone:
    """A place with the carbon intensity of its electricity, in g CO2e per kWh.

    Attributes:
        relative_error: of the intensity, about 95 %.
        pue: power usage effectiveness of a cloud region; ``None`` where it is not published.
        pue_source: whose figure that is and of when.
        wue_l_per_kwh: litres of water on site for 1 kWh of IT energy; ``None`` if not published.
        note: a line for a person where another figure stands in, or this one is not a good one.
    """

    code: str
    name: str
    intensity_g_per_kwh: float
    basis: Basis
    year: int
    source: str
    country: str
    pue: float | None = None
    relative_error: float = GRID_RELATIVE_ERROR
    pue_source: str = ""
    wue_l_per_kwh: float | None = None
    note: str = ""

    def factor(self, pue: float, intensity_g_per_kwh: float | None = None) -> CarbonFactor:
        """The zone as a factor; ``intensity_g_per_kwh`` overrides the table's."""
        if intensity_g_per_kwh is not None:
            # Whoever set it knows what it counts and how well; we do not.
            return CarbonFactor(self.code, intensity_g_per_kwh, pue, self.relative_error, "unknown")
        return CarbonFactor(
            self.code, self.intensity_g_per_kwh, pue, self.relative_error, self.basis
        )

    @property
    def basis_words(self) -> str:
        """What the figure is, for people."""
        return f"annual average, {self.basis}"
