"""Curves of counters and power readings against a schedule of power that is known."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulated_machine import Rhythm, Schedule

from greencell.arithmetic import CounterScale
from greencell.curve import CounterCurve
from greencell.edges import TickClock
from greencell.gauge_curve import GaugeCurve

BEGIN_S = 100.0
RANGE = 1_000_000_000
periods = st.sampled_from([0.001, 0.02, 0.1])
phases = st.sampled_from([0.1371, 0.3713, 0.6137, 0.8597])  # no tick at the moment of an edge


class Observed:
    """A counter in µJ and the curve that reads it."""

    def __init__(
        self,
        period_s: float,
        phase: float,
        documented_s: float | None = None,
        range_units: int | None = None,
    ) -> None:
        self.period_s = period_s
        self.schedule = Schedule(BEGIN_S - 1.0)
        self.rhythm = Rhythm(period_s, phase * period_s)
        self.curve = CounterCurve(
            CounterScale(1e-6, range_units, 1_000.0), documented_s or period_s
        )
        self.range_units = range_units
        self.shown: list[tuple[float, float]] = []

    def read(self, t_s: float) -> None:
        tick_s = self.rhythm.last_before(t_s)
        self.shown.append((t_s, self.true_j(tick_s)))
        raw = round(self.schedule.integral(tick_s) * 1e6)
        self.curve.observe(t_s, t_s, raw if self.range_units is None else raw % self.range_units)

    def watch(self, begin_s: float, end_s: float) -> None:
        """Twenty looks to a period."""
        steps = max(1, round((end_s - begin_s) / self.period_s * 20))
        for step in range(1, steps + 1):
            self.read(begin_s + step * (end_s - begin_s) / steps)

    def cell(self, begin_s: float, end_s: float, power_w: float, idle_w: float) -> None:
        """A reading at each edge, and a close look after each."""
        self.read(begin_s)
        self.curve.learn_quiet(begin_s)
        self.curve.mark(begin_s, quiet=False)
        self.schedule.step(begin_s, power_w)
        self.read(end_s)
        self.curve.mark(end_s, quiet=True)
        self.schedule.step(end_s, idle_w)
        self.watch(end_s, end_s + 1.5 * self.period_s)

    def true_j(self, t_s: float) -> float:
        """As the curve counts: from what the counter showed at its first reading."""
        first_j = self.schedule.integral(self.rhythm.last_before(BEGIN_S))
        return self.schedule.integral(t_s) - first_j


def begun(period_s: float, phase: float, power_w: float) -> Observed:
    """A counter that was watched long enough to know its rhythm."""
    observed = Observed(period_s, phase)
    observed.schedule.step(BEGIN_S - 1.0, power_w)
    observed.read(BEGIN_S)
    observed.watch(BEGIN_S, BEGIN_S + 4 * period_s)
    return observed


cells = st.lists(
    st.tuples(
        st.floats(1.0, 20.0), st.floats(2.0, 40.0), st.floats(0.0, 500.0), st.floats(1.0, 99.0)
    ),
    min_size=1,
    max_size=5,
)


@given(periods, phases, st.floats(1.0, 100.0), cells)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_edge_lies_between_the_ticks_around_it(
    period_s: float, phase: float, idle_w: float, plan: list[tuple[float, float, float, float]]
) -> None:
    """For any power: never less than was shown before, nor more than is shown after."""
    observed = begun(period_s, phase, idle_w)
    t_s = BEGIN_S + 4 * period_s
    for gap, length, power_w, next_w in plan:
        begin_s = t_s + gap * period_s
        end_s = begin_s + length * period_s
        observed.cell(begin_s, end_s, power_w, next_w)
        energies = []
        for edge_s in (begin_s, end_s):
            edge = observed.curve.edge(edge_s)
            before_j = max(j for t, j in observed.shown if t <= edge_s)
            after_j = max(j for t, j in observed.shown if t <= edge_s + (length + 2) * period_s)
            assert before_j - 2e-6 <= edge.energy_j <= after_j + 2e-6
            energies.append(edge.energy_j)
        assert energies[0] <= energies[1] + 1e-9
        t_s = end_s + 1.5 * period_s


@given(periods, phases, st.floats(1.0, 500.0), st.floats(2.0, 50.0), st.floats(2.0, 50.0))
@settings(max_examples=80, deadline=None)
def test_constant_power_is_exact_to_the_tick(
    period_s: float, phase: float, power_w: float, gap: float, length: float
) -> None:
    observed = begun(period_s, phase, power_w)
    begin_s = BEGIN_S + (4 + gap) * period_s
    end_s = begin_s + length * period_s
    observed.cell(begin_s, end_s, power_w, power_w)

    for edge_s in (begin_s, end_s):
        edge = observed.curve.edge(edge_s)
        error_j = abs(edge.energy_j - observed.true_j(edge_s))
        assert error_j <= 0.55 * power_w * period_s
        assert error_j <= 4 * edge.u_j + 2e-6


def test_a_tick_that_is_due_right_at_a_reading_may_have_come_before_it_or_after() -> None:
    """4 µs before a tick that the clock expects just then: a whole tick is in doubt, and said."""
    observed = begun(0.001, 0.6137, 1.0)
    edge_s = BEGIN_S + 0.006609375
    observed.cell(edge_s, edge_s + 0.0025625, 1.0, 1.0)

    edge = observed.curve.edge(edge_s)

    assert abs(edge.energy_j - observed.true_j(edge_s)) <= 2 * edge.u_j


def test_a_step_in_power_is_told_from_the_ticks_around_it() -> None:
    """Ticks every 0.1 s; a cell of 0.05 s between two of them, 70 to 640 W."""
    observed = begun(0.1, 0.3, 70.0)
    begin_s = BEGIN_S + 1.05
    observed.watch(BEGIN_S + 0.4, begin_s - 0.001)
    observed.cell(begin_s, begin_s + 0.05, 640.0, 70.0)
    observed.watch(begin_s + 0.2, begin_s + 0.6)

    energy_j = observed.curve.edge(begin_s + 0.05).energy_j - observed.curve.edge(begin_s).energy_j
    assert energy_j == pytest.approx(32.0, rel=0.05)


def test_a_counter_too_slow_for_the_hooks_has_no_reading_at_the_edge() -> None:
    """Its next reading shows a tick that came before the edge: that is not the energy there."""
    observed = begun(0.1, 0.0, 40.0)
    edge_s = BEGIN_S + 1.09  # the last tick came 90 ms before, unseen
    observed.read(BEGIN_S + 0.55)
    observed.curve.mark(edge_s, quiet=False)
    observed.schedule.step(edge_s, 400.0)
    observed.read(edge_s + 0.005)
    observed.watch(edge_s + 0.005, edge_s + 0.3)

    edge = observed.curve.edge(edge_s)

    assert edge.energy_j == pytest.approx(observed.true_j(edge_s), abs=4.0)
    assert abs(edge.energy_j - observed.true_j(edge_s)) <= 2 * edge.u_j


# -- troubles ------------------------------------------------------------------------------------


def test_a_reset_is_a_gap_of_the_time_that_is_missing() -> None:
    observed = begun(0.001, 0.5, 50.0)
    observed.read(BEGIN_S + 1.0)
    observed.curve.observe(BEGIN_S + 3.0, BEGIN_S + 3.0, 10)
    trouble = observed.curve.observe(BEGIN_S + 1.0, BEGIN_S + 1.0, 0)
    assert trouble is None  # told already, and out of order

    fresh = CounterCurve(CounterScale(1e-6, None, 1_000.0), 0.001)
    fresh.observe(0.0, 0.0, 10_000_000)
    trouble = fresh.observe(2.0, 2.0, 5)

    assert trouble is not None
    assert (trouble.flag, trouble.missing_s) == ("gap", 2.0)
    fresh.observe(3.0, 3.0, 1_000_005)
    assert fresh.edge(3.0).energy_j == pytest.approx(1.0, abs=0.01)


def test_a_wrap_is_no_trouble() -> None:
    curve = CounterCurve(CounterScale(1e-6, RANGE, 1_000.0), 0.001)
    curve.observe(0.0, 0.0, RANGE - 5_000_000)

    assert curve.observe(0.5, 0.5, 5_000_000) is None
    assert curve.edge(0.5).energy_j == pytest.approx(10.0, abs=0.1)


def test_a_counter_that_may_have_gone_round_more_than_once_is_ambiguous() -> None:
    curve = CounterCurve(CounterScale(1e-6, RANGE, 1_000.0), 0.001)
    curve.observe(0.0, 0.0, 900_000_000)

    trouble = curve.observe(100.0, 100.0, 100_000_000)

    assert trouble is not None
    assert (trouble.flag, trouble.missing_s) == ("wrap-ambiguous", 100.0)


def test_a_counter_that_stands_still_is_stale_until_it_moves() -> None:
    curve = CounterCurve(CounterScale(1e-6, None, 1_000.0), 0.02)
    curve.observe(0.0, 0.0, 0)
    assert curve.observe(0.9, 0.9, 0) is None

    still = curve.observe(2.0, 2.0, 0)
    moved = curve.observe(3.0, 3.0, 60_000_000)

    assert still is not None
    assert (still.flag, still.missing_s) == ("stale", 2.0)
    assert moved is not None
    assert (moved.flag, moved.late_j) == ("stale", 60.0)


# -- power readings ------------------------------------------------------------------------------


@given(st.floats(0.0, 1.0), st.floats(0.0, 700.0), st.lists(st.floats(0.01, 0.5), min_size=2))
def test_constant_power_is_integrated_exactly(
    lag_s: float, power_w: float, steps: list[float]
) -> None:
    curve = GaugeCurve(0.1, lag_s)
    t_s = BEGIN_S
    curve.observe(t_s, power_w)
    for step_s in steps:
        t_s += step_s
        curve.observe(t_s, power_w)

    begin, end = curve.edge(BEGIN_S - lag_s), curve.edge(t_s - lag_s)

    assert end.energy_j - begin.energy_j == pytest.approx(power_w * (t_s - BEGIN_S), abs=1e-6)
    assert end.u_j == 0.0
    assert curve.noise_j2(t_s) == 0.0


def test_power_steps_at_the_edge_of_a_cell_and_not_halfway() -> None:
    """What was read before the cell does not count for the second up to the next reading."""
    curve = GaugeCurve(0.02, 0.0)
    for t_s, power_w, is_edge in ((0.0, 50.0, False), (1.0, 50.0, True), (1.8, 300.0, False),
                                  (2.0, 300.0, True), (3.0, 50.0, False)):  # fmt: skip
        curve.observe(t_s, power_w)
        if is_edge:
            curve.mark(t_s)

    cell_j = curve.edge(2.0).energy_j - curve.edge(1.0).energy_j

    assert cell_j == pytest.approx(300.0)
    assert curve.edge(3.0).energy_j == pytest.approx(400.0)
    assert curve.noise_j2(2.0) > 0.0  # it may have stepped later than at the edge


@given(st.floats(0.02, 6.0), phases, st.floats(0.0, 600.0))
@settings(max_examples=100, deadline=None)
def test_a_sensor_that_averages_says_how_little_it_knows_of_a_short_cell(
    length_s: float, phase: float, extra_w: float
) -> None:
    """It averages over the last second: a short cell is spread over that."""
    schedule, rhythm = Schedule(BEGIN_S, 30.0), Rhythm(0.1, 0.1 * phase)
    curve = GaugeCurve(0.1, 0.5)
    begin_s, end_s = BEGIN_S + 3.0, BEGIN_S + 3.0 + length_s
    schedule.step(begin_s, 30.0 + extra_w)
    schedule.step(end_s, 30.0)
    curve.mark(begin_s)
    curve.mark(end_s)
    t_s = BEGIN_S + 1.5
    while t_s < end_s + 2.0:
        tick_s = rhythm.last_before(t_s)
        curve.observe(t_s, schedule.integral(tick_s) - schedule.integral(tick_s - 1.0))
        t_s += 0.2

    begin, end = curve.edge(begin_s), curve.edge(end_s)

    error_j = end.energy_j - begin.energy_j - (30.0 + extra_w) * length_s
    assert abs(error_j) <= 2.0 * (begin.u_j**2 + end.u_j**2) ** 0.5 + 1e-6


def test_a_reading_that_was_overtaken_is_no_reset() -> None:
    """Of two threads that read at once, the first may be done last: its value is old, not lost."""
    curve = CounterCurve(CounterScale(1e-6, None, 1_000.0), 0.001)
    curve.observe(0.0, 0.0, 1_000)
    curve.observe(1.0, 1.0, 3_000)

    assert curve.observe(1.1, 1.1, 2_000, begin_s=0.9) is None
    trouble = curve.observe(1.2, 1.2, 2_500, begin_s=1.15)

    assert trouble is not None and trouble.flag == "gap"


def test_looks_that_show_nothing_new_do_not_crowd_out_what_was_read() -> None:
    """While one edge waits, hundreds of looks must not push the other's samples out."""
    curve = GaugeCurve(0.1, 0.5)
    for number in range(30):
        curve.observe(number * 0.1, 50.0 + number % 2)
    begin = curve.edge(1.0)
    for number in range(400):
        curve.observe(2.95 + number * 1e-5, 90.0)

    assert curve.edge(1.0) == begin
    assert curve.read_s == pytest.approx(2.95 + 399e-5)


def test_a_cell_between_two_readings_is_as_uncertain_as_power_was_seen_to_vary() -> None:
    """It is shorter than the sensor's period: no reading of it, but it may have drawn anything."""
    curve = GaugeCurve(0.1, 0.0)
    curve.observe(0.0, 50.0)
    curve.observe(1.0, 400.0)
    curve.observe(2.0, 50.0)
    curve.mark(2.0)
    curve.observe(2.01, 50.0)
    curve.mark(2.01)
    curve.observe(2.5, 50.0)

    cell_j = curve.edge(2.01).energy_j - curve.edge(2.0).energy_j
    noise_j2 = curve.noise_j2(2.01) - curve.noise_j2(2.0)
    assert cell_j == pytest.approx(0.5)
    assert 2.0 * noise_j2**0.5 >= 350.0 * 0.01


def test_ticks_that_are_all_due_at_a_reading_do_not_ask_one_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Readings in step with the ticks leave each in doubt; the work stays in proportion."""
    curve = CounterCurve(CounterScale(1e-3, None, 1_000.0), 0.1)
    for step in range(801):  # twenty looks to a period, until the rhythm is known well
        curve.observe(step * 0.005, step * 0.005, 10_000 * (step // 20))
    asked: list[float] = []
    last_before = TickClock.last_before

    def counted(clock: TickClock, t_s: float) -> tuple[float, float] | None:
        asked.append(t_s)
        assert len(asked) < 200_000, "each tick asks all others"
        return last_before(clock, t_s)

    monkeypatch.setattr(TickClock, "last_before", counted)
    for step in range(1, 40):
        at_s = 4.0 + step * 0.1
        curve.observe(at_s, at_s, 10_000 * (40 + step))
    curve.mark(at_s, quiet=False)
    curve.edge(at_s)

    assert asked
