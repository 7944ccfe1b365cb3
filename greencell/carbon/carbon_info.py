"""From a place to what turns energy into CO2 there: its figure, its building, what the user set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from greencell.carbon.location import Location
from greencell.model import CarbonInfo

DEFAULT_PUE: Final = 1.0
"""At home or in an office there is no data centre around the computer."""
SET: Final = "set by the user"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user set about carbon; ``None`` means: found out."""

    zone: str | None = None
    intensity_g_per_kwh: float | None = None
    pue: float | None = None


def carbon_info(location: Location, wishes: Wishes) -> CarbonInfo:
    """The location as what turns energy into CO2."""
    zone = location.zone
    pue, pue_source = _pue(location, wishes)
    given = wishes.intensity_g_per_kwh
    return CarbonInfo(
        factor=zone.factor(pue, given),
        zone_name=zone.name,
        basis=SET if given else zone.basis_words,
        year=None if given else zone.year,
        source=SET if given else zone.source,
        located_by=location.located_by,
        note="" if given else location.note or zone.note,
        reason=location.reason,
        candidates=location.candidates,
        pue_source=pue_source,
        wue_l_per_kwh=zone.wue_l_per_kwh,
    )


def _pue(location: Location, wishes: Wishes) -> tuple[float, str]:
    """The user's, the region's, the provider's average, or none; with whose figure it is."""
    if wishes.pue is not None:
        return wishes.pue, SET
    if location.zone.pue is not None:
        return location.zone.pue, location.zone.pue_source
    if location.pue is not None:
        return location.pue, location.pue_source
    return DEFAULT_PUE, "none is published" if ":" in location.zone.code else "no data centre"
