"""Energy to CO2: the two uncertainties, and the order of low, value and high."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.model import CarbonFactor, Interval
from greencell.uncertainty import co2_interval
from greencell.units import J_PER_KWH

energies_j = st.floats(1e-9, 1e12)
shares = st.floats(0.0, 1.0)
factors = st.builds(
    CarbonFactor,
    zone=st.just("FR"),
    intensity_g_per_kwh=st.floats(0.1, 2_000.0),
    pue=st.floats(1.0, 5.0),
    relative_error=st.floats(0.0, 1.0),
)


@given(energies_j, shares, st.floats(0.0, 100.0), factors)
def test_low_value_high_are_in_order(
    energy_j: float, below: float, above: float, factor: CarbonFactor
) -> None:
    """For any interval of energy and any grid; nothing is negative or infinite."""
    energy = Interval(energy_j * (1.0 - below), energy_j, energy_j * (1.0 + above))

    co2_g = co2_interval(energy_j * factor.g_per_j, energy, factor)

    assert 0.0 <= co2_g.low <= co2_g.value <= co2_g.high < math.inf


@given(energies_j, shares, factors)
def test_the_interval_is_no_narrower_than_either_cause(
    energy_j: float, below: float, factor: CarbonFactor
) -> None:
    """Neither the meter's nor the grid's uncertainty gets lost."""
    energy = Interval(energy_j * (1.0 - below), energy_j, energy_j * (1.0 + below))

    co2_g = co2_interval(energy_j * factor.g_per_j, energy, factor)

    relative = co2_g.high / co2_g.value - 1.0
    assert relative >= max(below, factor.relative_error) * (1.0 - 1e-9) - 1e-12
    assert relative <= (below + factor.relative_error) * (1.0 + 1e-9) + 1e-12


def test_one_kilowatt_hour_in_france() -> None:
    """1 kWh at 41.4 g/kWh and a PUE of 1.2; 15 % and 20 % make 25 %."""
    factor = CarbonFactor("FR", 41.4, 1.2, 0.2)
    energy = Interval(0.85 * J_PER_KWH, J_PER_KWH, 1.15 * J_PER_KWH)

    co2_g = co2_interval(J_PER_KWH * factor.g_per_j, energy, factor)

    assert co2_g.value == pytest.approx(49.68)
    assert (co2_g.low, co2_g.high) == pytest.approx((0.75 * 49.68, 1.25 * 49.68))


def test_no_energy_is_no_co2() -> None:
    """Zero with its interval, not a division by zero."""
    co2_g = co2_interval(0.0, Interval(0.0, 0.0, J_PER_KWH), CarbonFactor("FR", 50.0, 1.0, 0.2))

    assert (co2_g.low, co2_g.value) == (0.0, 0.0)
    assert co2_g.high == pytest.approx(60.0)
