"""Repetition: how many runs make a leg, and the bootstrap interval of the legs' median."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Callable, Iterator

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
    close = [1.0 + 0.001 * (3 * i % 10) for i in range(25)]
    wide = [1.0 + 0.1 * (3 * i % 10) for i in range(25)]

    assert repetition.is_precise(close, 0.0)
    assert not repetition.is_precise(wide, 0.0)
    assert repetition.is_precise(wide, 1.0)


# -- legs that follow each other ---------------------------------------------------------------------

Legs = Callable[[random.Random], Iterator[float]]


def like_the_one_before(part: float, scatter: float = 0.03) -> Legs:
    """Around 1, each leg with so large a part of what the one before was off by."""

    def legs(generator: random.Random) -> Iterator[float]:
        off = generator.gauss(0.0, scatter)
        while True:
            yield 1.0 + off
            off = part * off + generator.gauss(0.0, scatter * math.sqrt(1.0 - part * part))

    return legs


def warming_up(scatter: float) -> Legs:
    """8 % too much at first, over 30 s less and less."""

    def legs(generator: random.Random) -> Iterator[float]:
        for number in itertools.count():
            yield (1.0 + 0.08 * math.exp(-0.2 * number / 30.0)) * generator.gauss(1.0, scatter)

    return legs


def two_levels(stay_s: float) -> Legs:
    """5 % above or below, on each for so long on average."""

    def legs(generator: random.Random) -> Iterator[float]:
        level = generator.choice((0.95, 1.05))
        while True:
            yield level * generator.gauss(1.0, 0.005)
            if generator.random() < 0.2 / stay_s:
                level = 2.0 - level

    return legs


def stopped(legs: Iterator[float]) -> list[float]:
    """Legs of 0.2 s until they are precise, or 20 s are over; looked at now and then."""
    least, most = round(repetition.LEAST_S / 0.2), round(repetition.BUDGET_S / 0.2)
    values = list(itertools.islice(legs, least))
    while len(values) < most and not repetition.is_precise(values, 0.0):
        values += itertools.islice(legs, 15)
    return values


@pytest.mark.parametrize(
    ("legs", "drift"),
    [
        (like_the_one_before(0.0, 0.01), (0.0, 0.1)),
        (like_the_one_before(0.4), (0.0, 0.3)),
        (like_the_one_before(0.8), (0.8, 1.0)),
        (warming_up(0.001), (0.9, 1.0)),
        (warming_up(0.005), (0.8, 1.0)),
        (two_levels(1.5), (0.7, 1.0)),
    ],
    ids=["independent", "a little alike", "alike", "warm-up", "noisy warm-up", "two levels"],
)
def test_the_interval_holds_or_the_legs_are_said_to_drift(
    legs: Legs, drift: tuple[float, float]
) -> None:
    """Of most series, with room for chance; those of independent legs are hardly ever taken for drifting."""
    rounds, right, drifting = 60, 0, 0
    for seed in range(rounds):
        values = stopped(legs(random.Random(seed)))
        interval = repetition.median_interval(values)
        drifts = repetition.is_drifting(values)
        drifting += drifts
        right += drifts or interval.low <= 1.0 <= interval.high
    assert right >= 0.87 * rounds
    assert drift[0] <= drifting / rounds <= drift[1]


def test_a_trend_has_its_uncertainty() -> None:
    """A line without scatter is known exactly; of too few values nothing is."""
    change = repetition.trend([1.0 + 0.1 * number for number in range(11)])

    assert (change.value, change.u) == pytest.approx((1.0, 0.0), abs=1e-9)
    assert repetition.trend([1.0, 2.0]).u == math.inf
    assert not repetition.is_drifting([1.0, 2.0, 3.0])


@given(st.floats(-1e6, 1e6), st.integers(repetition.ENOUGH_LEGS, 200))
def test_legs_that_are_all_the_same_are_steady(value: float, count: int) -> None:
    """Whatever rounding leaves of them."""
    assert repetition.autocorrelation([value] * count) == 0.0
    assert not repetition.is_drifting([value] * count)
