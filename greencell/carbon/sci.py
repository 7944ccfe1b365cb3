"""Software Carbon Intensity: ((E · I) + M) per R, ISO/IEC 21031:2024. Pure.

E is the energy with the building's overhead, I the location's average intensity (no certificates,
no offsets), M the hardware's embodied share. Without a functional unit R there is no such figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from greencell.carbon.footprint import Footprint, added, scaled
from greencell.errors import UsageError
from greencell.model import Interval

STANDARD: Final = "ISO/IEC 21031:2024"
_MAX_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class FunctionalUnit:
    """What the score is per, and how many of it there were.

    Raises:
        UsageError: it has no name, or a count that is not above 0.
    """

    name: str
    count: float = 1.0

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > _MAX_NAME or not self.name.isprintable():
            raise UsageError(
                "A software carbon intensity is per something: name it, e.g. --per 'training run'."
            )
        if not 0.0 < self.count < 1e15:  # noqa: PLR2004  # more than anything that is counted
            raise UsageError("The number of functional units must be above 0.")


@dataclass(frozen=True, slots=True)
class Sci:
    """A score in g CO2e per functional unit, with its parts in g for all units.

    Attributes:
        embodied_g: ``None`` where it is not included, which must be said.
    """

    per_unit_g: Interval
    operational_g: Interval
    embodied_g: Interval | None
    unit: FunctionalUnit


def sci(work: Footprint, embodied_g: Interval | None, unit: FunctionalUnit) -> Sci:
    """The score of a footprint."""
    whole_g = work.co2_g if embodied_g is None else added(work.co2_g, embodied_g)
    return Sci(scaled(whole_g, 1.0 / unit.count), work.co2_g, embodied_g, unit)
