"""CO2 over changes of factor: sums, means, bases, and a session that moves or goes live."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.emissions import Emissions
from greencell.model import CarbonFactor, CarbonInfo, Interval
from greencell.units import J_PER_KWH
from tests_support import Bench

factors = st.builds(
    CarbonFactor,
    zone=st.sampled_from(["FR", "GB", "PL"]),
    intensity_g_per_kwh=st.floats(0.1, 2_000.0),
    pue=st.floats(1.0, 5.0),
    relative_error=st.floats(0.0, 1.0),
    basis=st.sampled_from(["life-cycle", "direct"]),
)
uses = st.lists(st.tuples(st.floats(0.0, 1e9), factors), min_size=1, max_size=20)


def account_of(used: list[tuple[float, CarbonFactor]]) -> Emissions:
    emissions = Emissions()
    for energy_j, factor in used:
        emissions.add(energy_j, factor)
    return emissions


@given(uses)
def test_each_joule_counts_at_its_own_factor(used: list[tuple[float, CarbonFactor]]) -> None:
    """Whatever the order and the number of changes."""
    wanted_g = math.fsum(energy_j * factor.g_per_j for energy_j, factor in used)

    assert account_of(used).value_g == pytest.approx(wanted_g, rel=1e-12, abs=1e-300)


@given(uses, uses)
def test_two_accounts_merged_are_their_sum(
    first: list[tuple[float, CarbonFactor]], second: list[tuple[float, CarbonFactor]]
) -> None:
    """A session is the sum of its cells; the parts stay as they were."""
    merged, part = account_of(first), account_of(second)
    before_g = part.value_g
    whole_g = merged.value_g + before_g

    merged.merge(part)
    part.copy().add(1.0, first[0][1])

    assert merged.value_g == pytest.approx(whole_g, rel=1e-12, abs=1e-300)
    assert part.value_g == before_g


@given(uses)
def test_the_mean_factor_gives_the_same_mass(used: list[tuple[float, CarbonFactor]]) -> None:
    """So a record's energy × intensity × PUE is its CO2, also where the intensity moved."""
    emissions = account_of(used)
    mean = emissions.mean_factor(used[-1][1])
    energy_j = sum(energy_j for energy_j, _ in used)

    assert energy_j * mean.g_per_j == pytest.approx(emissions.value_g, rel=1e-9, abs=1e-300)
    assert mean.relative_error <= max(f.relative_error for _, f in used) * (1 + 1e-9)


def test_one_factor_stays_what_it_is_to_the_last_bit() -> None:
    """A table's figure must come out as it stands in the table."""
    france = CarbonFactor("FR", 41.4)

    assert account_of([(0.1, france), (0.2, france)]).mean_factor(france) is france


def test_two_bases_are_called_a_mixture() -> None:
    """A life-cycle and a direct figure in one sum: said, not hidden."""
    table, live = CarbonFactor("GB", 217.4), CarbonFactor("GB", 131.0, basis="direct")

    both = account_of([(1.0, table), (1.0, live)])

    assert both.bases == ("direct", "life-cycle")
    assert both.mean_factor(live).basis == "mixed"


def test_grid_errors_of_several_places_add_up() -> None:
    """1 kWh at 100 g ± 20 % and 1 kWh at 300 g ± 40 %: 140 g of 400 g, 35 %."""
    emissions = account_of(
        [
            (J_PER_KWH, CarbonFactor("A", 100.0, 1.0, 0.2)),
            (J_PER_KWH, CarbonFactor("B", 300.0, 1.0, 0.4)),
        ]
    )
    exact = Interval(2 * J_PER_KWH, 2 * J_PER_KWH, 2 * J_PER_KWH)

    co2_g = emissions.interval(exact, CarbonFactor("B", 300.0))

    assert (co2_g.low, co2_g.value, co2_g.high) == pytest.approx((260.0, 400.0, 540.0))


def live(intensity_g_per_kwh: float, zone: str = "FR") -> CarbonInfo:
    factor = CarbonFactor(zone, intensity_g_per_kwh, 1.1, 0.2)
    return CarbonInfo(factor, zone, "hourly, life-cycle", None, "a provider", "setting")


def test_a_long_cell_is_integrated_over_a_moving_intensity() -> None:
    """90 W for an hour each at 50, 150 and 100 g/kWh and a PUE of 1.1."""
    bench = Bench.make()
    bench.session.set_carbon(live(50.0))
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    for intensity_g_per_kwh in (50.0, 150.0, 100.0):
        bench.session.set_carbon(live(intensity_g_per_kwh))
        bench.pass_time(60.0)
    bench.session.end(opening.run, bench.session.take(), "ok", 1)

    document = bench.session.to_dict()
    cell = document["cells"][0]

    assert cell["co2_kg"] == pytest.approx(90.0 * 60.0 / 3.6e6 * 300.0 * 1.1 / 1e3, rel=1e-6)
    assert cell["intensity_g_per_kwh"] == pytest.approx(100.0, rel=1e-6)
    assert cell["co2_kg"] == pytest.approx(
        cell["energy_kwh"] * cell["intensity_g_per_kwh"] * cell["pue"] / 1e3, rel=1e-9
    )


def test_a_cell_stays_in_the_zone_it_began_in() -> None:
    """Who moves in the middle of a cell moves the next one."""
    bench = Bench.make()
    bench.session.set_carbon(live(50.0))
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    bench.pass_time(10.0)
    bench.session.set_carbon(live(600.0, zone="PL"))
    bench.pass_time(10.0)
    bench.session.end(opening.run, bench.session.take(), "ok", 1)
    bench.cell(10.0)

    document = bench.session.to_dict()

    assert [c["zone"] for c in document["cells"]] == ["FR", "PL"]
    assert [c["intensity_g_per_kwh"] for c in document["cells"]] == [50.0, 600.0]
    assert document["totals"]["co2_kg"] == pytest.approx(
        sum(c["co2_kg"] for c in document["cells"]), rel=1e-12
    )


def test_the_panels_sum_holds_what_still_runs() -> None:
    """The running cell's CO2 so far is in the live total and in no exported one."""
    bench = Bench.make()
    opening = bench.session.open_run("c")
    bench.session.begin(opening)
    bench.pass_time(10.0)

    running = bench.session.running()

    assert running is not None and running.co2_g is not None
    assert bench.session.view(live=True).totals.co2_g.value == pytest.approx(running.co2_g.value)
    assert bench.session.view(live=False).totals.co2_g.value == 0.0
