"""The footprint of a stretch of work: E · I · PUE, and what it is uncertain by, cause by cause.

Pure. Energy is that at the meters (IT energy); the building's overhead comes with the PUE, and
water is counted on IT energy, as the WUE is defined, never times the PUE.
"""

from __future__ import annotations

from dataclasses import dataclass

from greencell.model import CarbonFactor, Interval
from greencell.uncertainty import co2_interval
from greencell.units import J_PER_KWH


@dataclass(frozen=True, slots=True)
class Footprint:
    """Operational CO2e of an energy.

    Attributes:
        co2_g: with the energy's and the grid's uncertainty, in quadrature.
        from_energy_g: if only the energy were uncertain.
        from_grid_g: if only the grid's figure were.
    """

    energy_kwh: Interval
    factor: CarbonFactor
    co2_g: Interval
    from_energy_g: Interval
    from_grid_g: Interval


def footprint(energy_kwh: Interval, factor: CarbonFactor) -> Footprint:
    """What an energy in kWh at the meters stands for at one factor."""
    g_per_kwh = factor.intensity_g_per_kwh * factor.pue
    value_g = energy_kwh.value * g_per_kwh
    error_g = value_g * factor.relative_error
    return Footprint(
        energy_kwh,
        factor,
        co2_interval(value_g, scaled(energy_kwh, J_PER_KWH), factor),
        scaled(energy_kwh, g_per_kwh),
        Interval(max(0.0, value_g - error_g), value_g, value_g + error_g),
    )


def scaled(interval: Interval, by: float) -> Interval:
    """An interval in another unit, or times something exact."""
    return Interval(interval.low * by, interval.value * by, interval.high * by)


def added(one: Interval, other: Interval) -> Interval:
    """The sum of two whose bounds are all that is known: the ends add up."""
    return Interval(one.low + other.low, one.value + other.value, one.high + other.high)


def water_l(energy_kwh: Interval, wue_l_per_kwh: float) -> Interval:
    """Litres of water that a data centre evaporates on site for an IT energy."""
    return scaled(energy_kwh, wue_l_per_kwh)
