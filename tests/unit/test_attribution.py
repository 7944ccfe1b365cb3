"""The kernel's part of the machine's energy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.attribution import (
    Baseline,
    CpuUse,
    DeviceUse,
    OthersClock,
    device_portion,
    kernel_portion,
)
from greencell.edges import Power

seconds = st.floats(0.001, 1e4)
cpu_s = st.floats(0, 1e5)
joules = st.floats(0, 1e9)


@given(joules, seconds, cpu_s, cpu_s, st.none() | st.floats(0, 500), st.floats(0, 1))
def test_low_value_high_and_machine_are_in_order(
    machine_j: float, elapsed_s: float, tree_s: float, others_s: float, base: float | None, r: float
) -> None:
    """Whatever happened: 0 <= low <= value <= high, and the value is never above the machine."""
    baseline = None if base is None else Power(base, 0.1 * base)
    portion = kernel_portion(machine_j, CpuUse(elapsed_s, tree_s, others_s, 4), baseline, r)

    assert 0 <= portion.low_j <= portion.kernel_j <= portion.high_j
    assert portion.kernel_j + portion.others_j <= machine_j * (1 + 1e-9)


def test_a_machine_of_ones_own_is_charged_whole() -> None:
    """Nobody else runs and the machine is reserved: all of it, idle power too."""
    portion = kernel_portion(100.0, CpuUse(10.0, 10.0, 0.0, 4), Power(2.0, 0.0), 1.0)

    assert portion.kernel_j == pytest.approx(100.0)


def test_the_dynamic_part_is_shared_by_cpu_time() -> None:
    """Idle power is the owner's; of the rest, a quarter of the CPU time is a quarter."""
    portion = kernel_portion(100.0, CpuUse(10.0, 2.0, 6.0, 4), Power(2.0, 0.0), 1.0)

    assert portion.kernel_j == pytest.approx(20.0 + 80.0 * 0.25)
    assert portion.low_j == pytest.approx(20.0 + 80.0 * (0.125 / 0.875))
    assert portion.high_j == pytest.approx(20.0 + 80.0 * (0.5 / 1.25))


def test_the_baseline_is_learned_from_quiet_seconds_only() -> None:
    """A busy second or a short one teaches nothing, nor do two short ones apart."""
    baseline = Baseline()
    baseline.learn(50.0, 1.0, quiet=False)
    baseline.learn(1.0, 0.3, quiet=True)
    baseline.learn(50.0, 1.0, quiet=False)
    baseline.learn(1.0, 0.3, quiet=True)
    assert baseline.power is None
    baseline.learn(50.0, 1.0, quiet=False)

    for power_w in (10.0, 11.0, 12.0, 13.0):
        baseline.learn(power_w, 1.0, quiet=True)

    assert baseline.power == Power(10.0, 2.0)
    assert baseline.windows == 4


def test_a_fork_of_a_baseline_learns_apart() -> None:
    """What a provisional figure teaches is not remembered."""
    baseline = Baseline()
    baseline.copy().learn(10.0, 1.0, quiet=True)

    assert baseline.power is None


@given(joules, seconds, st.floats(0, 100), st.floats(0, 100), st.integers(0, 5), st.integers(0, 5))
def test_a_shared_device_is_split_without_remainder(
    machine_j: float, elapsed_s: float, own: float, others: float, mine: int, theirs: int
) -> None:
    """The kernel's part and the others' are at most all, and the value is in its interval."""
    portion = device_portion(
        machine_j, elapsed_s, DeviceUse(own, others, mine, theirs), Power(20.0, 2.0)
    )

    assert 0 <= portion.low_j <= portion.kernel_j <= portion.high_j
    assert portion.kernel_j + portion.others_j <= machine_j * (1 + 1e-9)


def test_a_device_is_split_by_utilisation_above_its_idle_power() -> None:
    """30 s at 120 W, 20 W of it idle: half of the idle, and three quarters of the rest."""
    portion = device_portion(3_600.0, 30.0, DeviceUse(75.0, 25.0, 1, 1), Power(20.0, 0.0))

    assert portion.kernel_j == pytest.approx(0.5 * 600.0 + 0.75 * 3_000.0)
    assert portion.others_j == pytest.approx(0.25 * 3_000.0)


def test_a_device_of_unknown_utilisation_has_an_interval_from_nothing_to_all() -> None:
    """Where the driver does not tell who computes, the low end is 0."""
    portion = device_portion(100.0, 1.0, DeviceUse(None, None, 1, 1), None)

    assert (portion.low_j, portion.kernel_j, portion.high_j) == (0.0, 100.0, 100.0)


@given(st.lists(st.tuples(st.floats(0.01, 3), st.floats(0, 4)), min_size=1, max_size=60))
def test_the_others_clock_never_falls_and_never_drifts(steps: list[tuple[float, float]]) -> None:
    """At a far anchor, it has caught up with what the others really used."""
    clock = OthersClock()
    t_s = true_s = 0.0
    clock.anchor(t_s, 0.0, 0.0)
    shown = 0.0
    for elapsed_s, load in steps:
        t_s += elapsed_s
        true_s += load * elapsed_s
        clock.anchor(t_s, true_s, 0.0)
        now = clock.at(t_s)
        assert now >= shown
        shown = now
    t_s += 1_000.0
    true_s += 5.0 * 1_000.0
    clock.anchor(t_s, true_s, 0.0)

    assert clock.at(t_s) == pytest.approx(true_s, rel=1e-6, abs=1e-6)


def test_neighbours_who_begin_are_seen_at_the_next_reading() -> None:
    """Not a second later: a cell of 60 ms would take all that they draw."""
    clock = OthersClock()
    clock.anchor(0.0, 0.0, 0.0)
    clock.anchor(1.0, 0.0, 0.0)
    clock.anchor(1.5, 0.0, 0.0)  # a cell begins, and so do 12 busy CPUs of others
    before_s = clock.at(1.5)
    clock.anchor(1.56, 0.78, 0.06)

    assert clock.at(1.56) - before_s == pytest.approx(0.72)
    assert clock.u_s > 0.0


def test_ticks_of_the_busy_time_are_no_neighbours() -> None:
    """A hundredth of a second more or less is how the machine tells time."""
    clock = OthersClock()
    clock.anchor(0.0, 0.0, 0.0)
    clock.anchor(1.0, 0.0, 0.0)
    clock.anchor(1.105, 0.12, 0.105)

    assert clock.at(1.105) == 0.0
    assert clock.u_s == 0.0


def test_a_share_from_few_ticks_is_uncertain() -> None:
    sure = kernel_portion(10.0, CpuUse(0.02, 0.02, 0.02, 4), Power(1.0, 0.0), 1.0)
    unsure = kernel_portion(10.0, CpuUse(0.02, 0.02, 0.02, 4, 0.004), Power(1.0, 0.0), 1.0)

    assert unsure.kernel_j == sure.kernel_j
    assert unsure.u_baseline_j == pytest.approx(10.0 * 0.998 * 0.02 * 0.004 / 0.04**2, rel=0.01)
