"""Counter steps: first, difference, wrapped, reset, ambiguous."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.arithmetic import CounterScale, counter_step

SCALE = CounterScale(joules_per_unit=1e-6, range_units=262_143_328_850, max_power_w=1_000.0)


def test_the_first_reading_is_no_energy() -> None:
    """A first reading says nothing about energy: not even 0."""
    assert counter_step(None, 5_000_000, 1.0, SCALE).kind == "first"
    assert counter_step(None, 5_000_000, 1.0, SCALE).energy_j is None


@given(before=st.integers(0, 262_143_328_849), joules=st.integers(0, 900))
def test_a_wrap_loses_nothing(before: int, joules: int) -> None:
    """Energy that fits the power limit is found whether or not the counter wrapped."""
    now = (before + joules * 1_000_000) % SCALE.range_units

    step = counter_step(before, now, 1.0, SCALE)

    assert step.energy_j is not None
    assert abs(step.energy_j - joules) < 1e-6
    assert step.kind in ("difference", "wrapped")


def test_a_counter_that_starts_again_is_reset_not_wrapped() -> None:
    """A driver reload must not become a range full of energy."""
    assert counter_step(100_000_000_000, 5_000_000, 1.0, SCALE).kind == "reset"
    assert counter_step(200_000_000_000, 5_000_000, 1.0, SCALE).kind == "reset"


def test_more_than_one_possible_wrap_is_no_number() -> None:
    """After an hour a counter that wraps every four minutes may have gone round many times."""
    step = counter_step(10, 20, 3_600.0, SCALE)

    assert step.kind == "ambiguous"
    assert step.energy_j is None


def test_a_value_that_no_power_explains_is_no_energy() -> None:
    """A file that holds nonsense for a moment: neither the way there nor back is a number."""
    there = counter_step(5_000_000, 77_777_777_777_777_777, 1.0, SCALE)
    back = counter_step(77_777_777_777_777_777, 6_000_000, 1.0, SCALE)

    assert (there.kind, back.kind) == ("reset", "reset")


def test_what_a_counter_was_kept_from_showing_may_come_at_once() -> None:
    """A tick that comes half a second late is seen within a millisecond."""
    step = counter_step(5_000_000, 5_000_000 + 20_000_000, 0.001, SCALE)

    assert step.energy_j == pytest.approx(20.0)
