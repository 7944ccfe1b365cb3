"""Energy between two ticks: shared out so that it adds up, and ticks that are known or not."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from greencell.edges import UNIFORM, Power, Segment, TickClock, bridge

watts = st.floats(0.0, 1_000.0)
powers = st.none() | st.builds(Power, watts, st.floats(0.0, 300.0))
segments = st.lists(
    st.builds(Segment, st.floats(1e-5, 10.0), powers, st.floats(0.0, 0.01)), min_size=2, max_size=6
)
periods = st.floats(1e-3, 1.0)


@given(st.floats(0.0, 1e4), segments, st.floats(1.0, 1e4))
def test_edges_lie_between_nothing_and_all_in_order(
    total_j: float, parts: list[Segment], most_w: float
) -> None:
    """One edge between each two segments, none outside; energy never falls with time."""
    edges = bridge(total_j, parts, most_w)

    assert len(edges) == len(parts) - 1
    energies = [0.0, *(edge.energy_j for edge in edges), total_j]
    assert all(0.0 <= energy_j <= total_j for energy_j in energies)
    assert all(edge.u_j >= 0.0 and math.isfinite(edge.u_j) for edge in edges)
    pieces = [b - a for a, b in itertools.pairwise(energies)]
    assert math.fsum(pieces) == pytest.approx(total_j, rel=1e-12, abs=1e-12)
    assert min(pieces) >= 0.0


@given(st.lists(st.tuples(st.floats(1e-4, 10.0), watts), min_size=2, max_size=6))
def test_powers_that_are_known_and_add_up_give_the_exact_edges(
    parts: list[tuple[float, float]],
) -> None:
    total_j = math.fsum(seconds * w for seconds, w in parts)
    edges = bridge(total_j, [Segment(seconds, Power(w, 0.0)) for seconds, w in parts])

    energy_j = 0.0
    for (seconds, w), edge in zip(parts, edges, strict=False):
        energy_j += seconds * w
        assert edge.energy_j == pytest.approx(energy_j, rel=1e-9, abs=1e-9)
        assert edge.u_j == pytest.approx(0.0, abs=1e-9)


@given(st.floats(1e-3, 1.0), watts, st.floats(1e-3, 1.0), st.floats(1.0, 1_000.0))
def test_one_unknown_power_takes_what_the_known_ones_leave(
    gap_s: float, gap_w: float, cell_s: float, cell_w: float
) -> None:
    total_j = gap_s * gap_w + cell_s * cell_w
    (edge,) = bridge(total_j, [Segment(gap_s, Power(gap_w, 0.0)), Segment(cell_s, None)])

    assert edge.energy_j == pytest.approx(gap_s * gap_w, rel=1e-9)


def test_a_moment_of_unknown_power_does_not_take_what_a_long_gap_drew() -> None:
    """A neighbour began in the gap: that is no reason for 78 kW in the cell's last half ms."""
    cell, gap = Segment(0.0005, None), Segment(0.53, Power(14.4, 4.3))

    (edge,) = bridge(47.0, [cell, gap], most_w=1_000.0)

    assert edge.energy_j < 3.0
    assert edge.energy_j - 2 * edge.u_j <= 0.05 <= edge.energy_j + 2 * edge.u_j


# -- ticks ---------------------------------------------------------------------------------------


def learned(period_s: float, truth_s: float, u_s: float, ticks: int = 4) -> TickClock:
    clock = TickClock(period_s)
    for number in range(ticks):
        clock.pin(100.0 + number * truth_s, u_s, follows=number > 0)
    return clock


@given(periods, st.floats(0.2, 1.0))
def test_two_ticks_in_a_row_teach_the_period(documented_s: float, part: float) -> None:
    """By device it is a fifth of what the documentation says."""
    truth_s = part * documented_s
    clock = learned(documented_s, truth_s, 0.01 * truth_s)

    assert clock.is_learned
    assert clock.period_s == pytest.approx(truth_s, rel=0.02)
    known = clock.last_before(100.0 + 5.5 * truth_s)
    assert known is not None
    assert known[0] == pytest.approx(100.0 + 5.0 * truth_s, abs=0.1 * truth_s)


@given(periods)
def test_ticks_that_may_have_others_between_them_teach_nothing(period_s: float) -> None:
    clock = TickClock(period_s)
    for number in range(10):
        clock.pin(100.0 + number * 3 * period_s, 0.01 * period_s, follows=False)

    assert not clock.is_learned
    assert clock.last_before(200.0) is None


@given(periods, st.lists(st.floats(-0.4, 0.4), min_size=1, max_size=30), st.integers(0, 5))
def test_irregular_ticks_do_not_break_it(period_s: float, wobbles: list[float], holes: int) -> None:
    """Whatever comes: times are finite, in order, and the period stays one."""
    clock = learned(period_s, period_s, 0.02 * period_s)
    t_s = 100.0 + 3 * period_s
    for wobble in wobbles:
        t_s += (1 + holes + wobble) * period_s
        clock.pin(t_s, 0.02 * period_s, follows=holes == 0)
        assert 0.0 < clock.period_s < 10 * period_s
        known = clock.last_before(t_s + 0.5 * period_s)
        if known is not None:
            assert known[0] <= t_s + 0.5 * period_s
            assert 0.0 < known[1] <= 0.5 * UNIFORM * clock.period_s


@given(periods, st.floats(0.02, 0.08), st.floats(-1.0, 1.0), st.floats(0.0, 1e5))
def test_a_phase_that_is_told_is_right(
    period_s: float, vague: float, off: float, periods_later: float
) -> None:
    """However wrong the period is within its uncertainty: far away it says that it is lost."""
    u_s = vague * period_s
    clock = TickClock(period_s)
    truth_s = (1 + off * vague) * period_s
    clock.pin(100.0, u_s, follows=False)
    clock.pin(100.0 + period_s, u_s, follows=True)  # it came so much early or late
    assume(clock.is_learned)
    t_s = 100.0 + period_s + periods_later * truth_s

    known = clock.last_before(t_s)

    if known is not None:
        since_s = known[0] - (100.0 + period_s)
        missed_s = abs(since_s - truth_s * round(since_s / truth_s))
        assert missed_s <= 4 * known[1]
        assert known[1] < 0.5 * period_s
