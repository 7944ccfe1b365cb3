"""The kernel's part of the machine's energy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greencell.attribution import Baseline, CpuUse, OthersClock, kernel_portion

seconds = st.floats(0.001, 1e4)
cpu_s = st.floats(0, 1e5)
joules = st.floats(0, 1e9)


@given(joules, seconds, cpu_s, cpu_s, st.none() | st.floats(0, 500), st.floats(0, 1))
def test_low_value_high_and_machine_are_in_order(
    machine_j: float, elapsed_s: float, tree_s: float, others_s: float, base: float | None, r: float
) -> None:
    """Whatever happened: 0 <= low <= value <= high, and the value is never above the machine."""
    portion = kernel_portion(machine_j, CpuUse(elapsed_s, tree_s, others_s, 4), base, r)

    assert 0 <= portion.low_j <= portion.kernel_j <= portion.high_j
    assert portion.kernel_j <= machine_j * (1 + 1e-9)


def test_a_machine_of_ones_own_is_charged_whole() -> None:
    """Nobody else runs and the machine is reserved: all of it, idle power too."""
    portion = kernel_portion(100.0, CpuUse(10.0, 10.0, 0.0, 4), 2.0, 1.0)

    assert portion.kernel_j == pytest.approx(100.0)


def test_the_dynamic_part_is_shared_by_cpu_time() -> None:
    """Idle power is the owner's; of the rest, a quarter of the CPU time is a quarter."""
    portion = kernel_portion(100.0, CpuUse(10.0, 2.0, 6.0, 4), 2.0, 1.0)

    assert portion.kernel_j == pytest.approx(20.0 + 80.0 * 0.25)
    assert portion.low_j == pytest.approx(20.0 + 80.0 * (0.125 / 0.875))
    assert portion.high_j == pytest.approx(20.0 + 80.0 * (0.5 / 1.25))


def test_the_baseline_is_learned_from_quiet_seconds_only() -> None:
    """A busy second or a short one teaches nothing."""
    baseline = Baseline()
    baseline.learn(50.0, CpuUse(1.0, 3.0, 0.0, 4))
    baseline.learn(1.0, CpuUse(0.1, 0.0, 0.0, 4))
    assert baseline.power_w is None

    for power_w in (10.0, 11.0, 12.0, 13.0):
        baseline.learn(power_w, CpuUse(1.0, 0.01, 0.0, 4))

    assert baseline.power_w == 10.0


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
