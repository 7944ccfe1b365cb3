"""The work of a session document, as the rooms of carbon take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from greencell.carbon.embodied import Hardware
from greencell.carbon.footprint import Footprint, footprint
from greencell.model import Basis, CarbonFactor, Interval
from greencell.units import G_PER_KG

_DEFAULT_ERROR: Final = 0.2
"""Of the grid's figure in documents that do not tell it yet."""
_BASES: Final = ("life-cycle", "direct")


@dataclass(frozen=True, slots=True)
class Work:
    """What a session did, in numbers.

    Attributes:
        co2_g: as it was booked.
        bases: what the intensities in it count.
        wue_l_per_kwh: of the building, where published.
    """

    energy_kwh: Interval
    co2_g: Interval
    factor: CarbonFactor
    bases: tuple[str, ...]
    duration_s: float
    hardware: Hardware
    wue_l_per_kwh: float | None

    @property
    def footprint(self) -> Footprint:
        """Its operational CO2e, at one factor that stands for all of its places and hours."""
        return replace(footprint(self.energy_kwh, self.factor), co2_g=self.co2_g)


def work_of(document: Mapping[str, Any]) -> Work | None:
    """The work of a legible document; ``None`` where its energy or CO2 is not known."""
    totals, carbon = document["totals"], document["carbon"]
    energy_kwh, co2_kg = _interval(totals, "energy", "kwh"), _interval(totals, "co2", "kg")
    if energy_kwh is None or co2_kg is None:
        return None
    pue = _mean_pue(document)
    intensity = carbon["intensity_g_per_kwh"] or 0.0
    if energy_kwh.value > 0.0 and co2_kg.value > 0.0:
        intensity = co2_kg.value * G_PER_KG / (energy_kwh.value * pue)
    error = totals["grid_relative_error"]
    bases = tuple(totals["bases"])
    basis = bases[0] if len(bases) == 1 and bases[0] in _BASES else "mixed" if bases else "unknown"
    return Work(
        energy_kwh=energy_kwh,
        co2_g=Interval(*(end * G_PER_KG for end in (co2_kg.low, co2_kg.value, co2_kg.high))),
        factor=CarbonFactor(
            carbon["zone"], intensity, pue, _DEFAULT_ERROR if error is None else error,
            cast("Basis", basis),
        ),
        bases=bases,
        duration_s=document["session"]["duration_s"] or 0.0,
        hardware=hardware_of(document),
        wue_l_per_kwh=carbon["wue_l_per_kwh"],
    )  # fmt: skip


def _mean_pue(document: Mapping[str, Any]) -> float:
    """That of the buildings its cells ran in, by their energy; else that of the place of now."""
    tops = [cell for cell in document["cells"] if cell["parent"] is None and cell["pue"]]
    weights = [cell["energy_kwh"] or 0.0 for cell in tops]
    if sum(weights) <= 0.0 or len({cell["pue"] for cell in tops}) == 1:
        return float(tops[0]["pue"] if sum(weights) > 0.0 else document["carbon"]["pue"] or 1.0)
    weighted = sum(w * cell["pue"] for w, cell in zip(weights, tops, strict=True))
    return float(weighted / sum(weights))


def hardware_of(document: Mapping[str, Any]) -> Hardware:
    """What a legible document ran on."""
    host = document["host"]
    return Hardware(
        host["cpu"], host["logical_cpus"], host["ram_gb"], tuple(host["gpus"]),
        bool(host["virtual"]),
    )  # fmt: skip


def _interval(totals: Mapping[str, Any], quantity: str, unit: str) -> Interval | None:
    value = totals[f"{quantity}_{unit}"]
    if value is None:
        return None
    low, high = totals[f"{quantity}_low_{unit}"], totals[f"{quantity}_high_{unit}"]
    return Interval(value if low is None else low, value, value if high is None else high)
