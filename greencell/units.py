"""Units: SI inside, one conversion where a reading enters and one where a figure is shown."""

from __future__ import annotations

from typing import Final

J_PER_KWH: Final = 3.6e6
"""Joules in one kilowatt-hour (exact)."""
G_PER_KG: Final = 1_000.0
"""Grams in one kilogram (exact)."""
J_PER_UJ: Final = 1e-6
"""Joules in one microjoule, the unit of the powercap tree."""
J_PER_MJ: Final = 1e-3
"""Joules in one millijoule, the unit of NVML's energy counter."""
W_PER_MW: Final = 1e-3
"""Watts in one milliwatt, the unit of NVML's power readings."""
W_PER_UW: Final = 1e-6
"""Watts in one microwatt, hwmon's unit of power; also in one millivolt times one milliampere."""
S_PER_MS: Final = 1e-3
"""Seconds in one millisecond, hwmon's unit of intervals."""
G_PER_KWH_PER_LB_PER_MWH: Final = 0.45359237
"""One pound per megawatt-hour, American operators' unit of intensity (exact)."""
NS_PER_S: Final = 1_000_000_000


def kwh_from_j(energy_j: float) -> float:
    """Energy in kWh of an energy in J."""
    return energy_j / J_PER_KWH


def seconds_from_ns(duration_ns: int) -> float:
    """Duration in s of a duration in ns."""
    return duration_ns / NS_PER_S
