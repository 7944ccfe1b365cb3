"""Repetition: how many runs make a leg, and the bootstrap interval of the legs' median."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greencell import repetition

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30)
LEGS = st.lists(st.floats(-1e3, 1e3), min_size=repetition.ENOUGH_LEGS, max_size=20)


@settings(max_examples=40, deadline=None)
@given(VALUES)
def test_the_interval_holds_the_median_and_lies_within_the_values(values: list[float]) -> None:
    """Low, median, high in order, none beyond what was seen, the same on every call."""
    interval = repetition.median_interval(values)

    assert interval.value == statistics.median(values)
    assert min(values) <= interval.low <= interval.value <= interval.high <= max(values)
    assert repetition.median_interval(values) == interval


@settings(max_examples=30, deadline=None)
@given(LEGS, st.randoms(use_true_random=False))
def test_the_order_of_the_legs_does_not_matter(
    values: list[float], shuffler: random.Random
) -> None:
    """Which leg came first is no information."""
    shuffled = list(values)
    shuffler.shuffle(shuffled)

    assert repetition.median_interval(shuffled) == repetition.median_interval(values)


@settings(max_examples=30, deadline=None)
@given(LEGS, st.floats(0.1, 10.0), st.floats(-100.0, 100.0))
def test_the_interval_scales_and_shifts_with_the_values(
    values: list[float], scale: float, shift: float
) -> None:
    """Subtracting idle energy or another unit moves all three numbers alike."""
    plain = repetition.median_interval(values)
    moved = repetition.median_interval([scale * v + shift for v in values])

    for before, after in zip(
        (plain.low, plain.value, plain.high), (moved.low, moved.value, moved.high), strict=True
    ):
        assert after == pytest.approx(scale * before + shift, abs=1e-6)


def test_the_interval_covers_the_median_about_as_often_as_it_says() -> None:
    """400 sets of ten skewed legs: the true median is inside in 90 to 99 % of them."""
    generator = random.Random(1)
    truth, inside, rounds = 1.0, 0, 400
    for _ in range(rounds):
        legs = [generator.lognormvariate(0.0, 0.3) for _ in range(10)]  # median 1
        interval = repetition.median_interval(legs)
        inside += interval.low <= truth <= interval.high

    assert 0.90 <= inside / rounds <= 0.99


def test_too_few_legs_give_their_range() -> None:
    """No interval is claimed that five legs cannot carry."""
    interval = repetition.median_interval([3.0, 1.0, 2.0])

    assert (interval.low, interval.value, interval.high) == (1.0, 2.0, 3.0)


@settings(max_examples=200)
@given(st.floats(1e-8, 30.0), st.floats(0.2, 2.0))
def test_calibration_finds_a_leg_that_lasts_long_enough(run_s: float, target_s: float) -> None:
    """Long enough, not much longer than needed, and the search costs less than a leg."""
    spent: list[float] = []

    def run(runs: int) -> float:
        spent.append(runs * run_s)
        return spent[-1]

    runs = repetition.enough_runs(run, target_s)

    assert runs * run_s >= target_s
    assert runs == 1 or runs * run_s <= 1.5 * target_s + run_s
    assert sum(spent) <= max(run_s, 2.0 * target_s)


def test_a_statement_that_takes_no_time_ends_the_calibration() -> None:
    """A clock that does not move is no endless loop."""
    assert repetition.enough_runs(lambda _runs: 0.0, 0.2) <= 10**10


@pytest.mark.parametrize(
    ("periods_s", "expected_s"),
    [([], 0.2), ([0.001], 0.2), ([0.001, 0.1], 2.0), ([0.05], 1.0), ([10.0], 2.0)],
)
def test_a_leg_is_as_long_as_its_slowest_meter_needs(
    periods_s: list[float], expected_s: float
) -> None:
    """Twenty update periods, no less than 0.2 s, no more than leaves room for enough legs."""
    assert repetition.leg_s(periods_s) == pytest.approx(expected_s)


def test_legs_are_enough_when_close_or_when_the_idle_power_leaves_more_open() -> None:
    """Within 2 % of the median, or within what no number of legs would tell."""
    close = [1.0 + 0.001 * i for i in range(10)]
    wide = [1.0 + 0.1 * i for i in range(10)]

    assert repetition.is_precise(close, 0.0)
    assert not repetition.is_precise(wide, 0.0)
    assert repetition.is_precise(wide, 1.0)
